//! A copy of this machine in which packages come and go: an overlay in a mount namespace of its
//! own. The machine itself is only read, and everything is gone when its owner ends, however.
//!
//! Not apart are processes, users' numbers and the network.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};

/// Makes the copy in the empty folder `$1` and says `ready`; ends when nobody holds its input.
const SCRIPT: &str = r#"
set -eu
mount -t tmpfs -o mode=0755 lastbeat "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" overlay "$1/root"
cd "$1/root"
mount --rbind /dev dev
mount -t proc proc proc
mount -t tmpfs -o mode=0755 run run
mount -t tmpfs -o mode=1777 tmp tmp
echo ready
exec cat
"#;

/// The copy.
pub(crate) struct Place {
    holder: Child,
    folder: PathBuf,
}

impl Place {
    /// Makes it; `folder` is where it is mounted, seen by its own programs alone.
    ///
    /// # Errors
    /// When the system refuses, as without root.
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let mut holder = Command::new("unshare")
            .args(["--mount", "sh", "-c", SCRIPT, "sh"])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start unshare")?;
        let said = holder.stdout.take().context("its output is piped")?;
        let place = Self {
            holder,
            folder: folder.to_owned(),
        };
        let mut line = String::new();
        BufReader::new(said).read_line(&mut line)?;
        ensure!(
            line == "ready\n",
            "cannot lay an overlay over this machine (see above); it needs root and mounts"
        );
        Ok(place)
    }

    /// A program that will run inside.
    pub(crate) fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        command
            .args(["--mount", "--target", &self.holder.id().to_string()])
            .arg("chroot")
            .arg(self.folder.join("root"))
            .args([
                "env",
                "-i",
                "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                "LC_ALL=C.UTF-8",
            ])
            .args(["DEBIAN_FRONTEND=noninteractive", program])
            .args(arguments)
            .stdin(Stdio::null());
        command
    }

    /// Runs a line of shell inside, and gives what it said on both streams.
    ///
    /// # Errors
    /// When it ends with anything but 0; what it said is in the error.
    pub(crate) fn sh(&self, line: &str) -> Result<String> {
        let output = self.command("sh", &["-euc", line]).output()?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).trim().to_owned();
        ensure!(
            output.status.success(),
            "`{line}` ended with {}: {said}",
            output.status
        );
        Ok(said)
    }

    /// Puts a file of the machine inside, under `/tmp`.
    pub(crate) fn bring(&self, path: &Path) -> Result<String> {
        let name = path
            .file_name()
            .context("it has no name")?
            .to_string_lossy();
        let inside = format!("/tmp/{name}");
        let mut command = self.command("tee", &[&inside]);
        let status = command
            .stdin(std::fs::File::open(path)?)
            .stdout(Stdio::null())
            .status()?;
        ensure!(status.success(), "cannot bring {name}: {status}");
        let mode = std::fs::metadata(path)?.permissions().mode() & 0o777;
        self.sh(&format!("chmod {mode:o} {inside}"))?;
        Ok(inside)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Both fail only when it has ended already; with its last program it is gone.
        drop(self.holder.kill());
        drop(self.holder.wait());
    }
}
