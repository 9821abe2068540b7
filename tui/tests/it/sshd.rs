//! An sshd for tests: a port, host key and list of keys of its own, on loopback. The test takes
//! the connections and hands each to an `sshd -i`, so no port is given away between two programs.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

/// It must be started by its absolute path, as it wants to start itself again.
const SSHD: &str = "/usr/sbin/sshd";

/// What whoever has the key may do is said by the line of the key alone, so everything is allowed
/// here. `StrictModes no`: the test's folder lies below one that anyone may write.
const CONFIG: &str = "\
UsePAM no
StrictModes no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
AllowTcpForwarding yes
AllowAgentForwarding yes
PermitTunnel no
AcceptEnv LANG
PrintMotd no
PrintLastLog no
UseDNS no
PidFile none
Subsystem sftp internal-sftp
";

pub(crate) struct Sshd {
    folder: tempfile::TempDir,
    address: SocketAddr,
    user: String,
    is_ending: Arc<AtomicBool>,
    children: Arc<Mutex<Vec<Child>>>,
    accepting: Option<JoinHandle<()>>,
}

impl Sshd {
    /// Serves a client whose key stands in `authorized_keys` behind these options.
    pub(crate) fn start(options: &str) -> Self {
        if rustix::process::geteuid().is_root() {
            // The system's own sshd makes it, where one runs; ours needs it as root.
            fs::create_dir_all("/run/sshd").unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let host = make_key(&folder.path().join("host"));
        let client = make_key(&folder.path().join("client"));
        let write = |name: &str, text: String| fs::write(folder.path().join(name), text).unwrap();
        write("authorized_keys", format!("{options} {client}"));
        write(
            "known_hosts",
            format!("[127.0.0.1]:{} {host}", address.port()),
        );
        let path = folder.path().display();
        write(
            "config",
            format!("{CONFIG}HostKey {path}/host\nAuthorizedKeysFile {path}/authorized_keys\n"),
        );
        let (is_ending, children) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let accepting = {
            let (is_ending, children) = (Arc::clone(&is_ending), Arc::clone(&children));
            let folder = folder.path().to_owned();
            thread::spawn(move || accept(&listener, &folder, &is_ending, &children))
        };
        let id = Command::new("id").arg("-un").output().unwrap();
        Self {
            folder,
            address,
            user: String::from_utf8(id.stdout).unwrap().trim().to_owned(),
            is_ending,
            children,
            accepting: Some(accepting),
        }
    }

    /// The words that start a client with these options, before the words of a command.
    pub(crate) fn client(&self, options: &[&str]) -> Vec<String> {
        let path = |name: &str| self.folder.path().join(name).display().to_string();
        let mut words = vec!["ssh".to_owned(), "-F".to_owned(), "/dev/null".to_owned()];
        words.extend([
            "-e".to_owned(),
            "none".to_owned(),
            "-i".to_owned(),
            path("client"),
        ]);
        words.extend(["-p".to_owned(), self.address.port().to_string()]);
        for option in [
            "BatchMode=yes",
            "IdentitiesOnly=yes",
            "IdentityAgent=none",
            "StrictHostKeyChecking=yes",
            "SendEnv=LANG",
            &format!("UserKnownHostsFile={}", path("known_hosts")),
        ] {
            words.extend(["-o".to_owned(), option.to_owned()]);
        }
        words.extend(options.iter().map(|&option| option.to_owned()));
        words.push(format!("{}@127.0.0.1", self.user));
        words
    }

    /// What it logged, to show when something fails.
    pub(crate) fn log(&self) -> String {
        let path: PathBuf = self.folder.path().join("log");
        fs::read_to_string(path).unwrap_or_default()
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.is_ending.store(true, Ordering::SeqCst);
        // Wakes the accepting thread.
        drop(TcpStream::connect(self.address));
        if let Some(accepting) = self.accepting.take() {
            accepting.join().unwrap();
        }
        for child in self.children.lock().unwrap().iter_mut() {
            // Fails only when it has ended already.
            drop(child.kill());
            drop(child.wait());
        }
    }
}

fn accept(
    listener: &TcpListener,
    folder: &Path,
    is_ending: &AtomicBool,
    children: &Mutex<Vec<Child>>,
) {
    for stream in listener.incoming() {
        if is_ending.load(Ordering::SeqCst) {
            return;
        }
        let stream = OwnedFd::from(stream.unwrap());
        let child = Command::new(SSHD)
            .arg("-i")
            .arg("-f")
            .arg(folder.join("config"))
            .arg("-E")
            .arg(folder.join("log"))
            .env_clear()
            .stdin(Stdio::from(stream.try_clone().unwrap()))
            .stdout(Stdio::from(stream))
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        children.lock().unwrap().push(child);
    }
}

/// Makes a key pair at `path`; gives the public half.
fn make_key(path: &Path) -> String {
    let output = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f"])
        .arg(path)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    fs::read_to_string(path.with_extension("pub")).unwrap()
}
