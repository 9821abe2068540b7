//! The life of the package: lint, installation, service, upgrade, removal, purge, each with what
//! must hold afterwards.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::place::Place;
use crate::http;
use crate::running::Running;

/// Where the registry is.
const DATA: &str = "/var/lib/lastbeat/monitoring.db";
/// The conffiles.
const SETTINGS: &str = "/etc/lastbeat/lastbeatd.toml";
const VARIABLES: &str = "/etc/default/lastbeatd";
/// What an operator writes into the settings, and must find after an upgrade.
const OWN_LINE: &str = "ttl = \"90s\"";
/// What systemd makes of a unit that is to start with the machine.
const ENABLED: &str = "/etc/systemd/system/multi-user.target.wants/lastbeatd.service";

/// Files that an installation brings.
const FILES: [&str; 16] = [
    "/usr/bin/lastbeatd",
    "/usr/bin/lastbeat",
    "/lib/systemd/system/lastbeatd.service",
    SETTINGS,
    VARIABLES,
    "/usr/share/man/man8/lastbeatd.8.gz",
    "/usr/share/man/man1/lastbeat.1.gz",
    "/usr/share/bash-completion/completions/lastbeatd",
    "/usr/share/bash-completion/completions/lastbeat",
    "/usr/share/zsh/vendor-completions/_lastbeatd",
    "/usr/share/zsh/vendor-completions/_lastbeat",
    "/usr/share/fish/vendor_completions.d/lastbeatd.fish",
    "/usr/share/fish/vendor_completions.d/lastbeat.fish",
    "/usr/share/doc/lastbeat/copyright",
    "/usr/share/doc/lastbeat/changelog.Debian.gz",
    "/usr/share/doc/lastbeat/third-party-licenses.txt",
];

/// Stands in for systemd's control program: notes what it is asked, and says yes.
const SYSTEMCTL: &str = r#"#!/bin/sh
echo "$*" >> /tmp/asked
case "$*" in *is-enabled*) echo enabled ;; esac
"#;

/// Tries `package`, and `next`, a higher version of it.
///
/// # Errors
/// When the machine has lastbeat already, or something does not hold.
pub(crate) fn run(root: &Path, package: &Path, next: &Path) -> Result<()> {
    lint(package)?;
    let place = Place::open(&root.join("target/packaging/place"))?;
    refuse_where_it_is_installed(&place)?;
    let (package, next) = (place.bring(package)?, place.bring(next)?);
    without_systemd(&place, &package, &next)?;
    with_systemd(&place, &package, &next)
}

/// No error of Debian's own checker.
fn lint(package: &Path) -> Result<()> {
    let output = Command::new("lintian")
        .args(["--fail-on", "error", "--allow-root", "--no-cfg"])
        .arg(package)
        .output()
        .context("cannot start lintian; install it")?;
    let said = String::from_utf8_lossy(&output.stdout);
    print!("{said}");
    ensure!(
        output.status.success(),
        "lintian ended with {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}

fn refuse_where_it_is_installed(place: &Place) -> Result<()> {
    for sign in ["/usr/bin/lastbeatd", "/var/lib/lastbeat", "/etc/lastbeat"] {
        ensure!(
            place.sh(&format!("test ! -e {sign}")).is_ok(),
            "cannot try the package: {sign} is on this machine, and the first installation could \
             not be told from an upgrade; use another machine"
        );
    }
    Ok(())
}

/// As in a container: nothing is started, and the daemon is run by hand as its unit says.
fn without_systemd(place: &Place, package: &str, next: &str) -> Result<()> {
    println!("   install");
    place.sh(&format!("dpkg -i {package}"))?;
    is_installed(place)?;

    println!("   upgrade");
    let (daemon, address) = start(place)?;
    let body = json!({"name": "kept", "ip": "10.0.0.7", "ttl_s": 3600});
    http::ask(address, "POST", "/register", &body)?;
    place.sh(&format!("printf '%s\\n' '{OWN_LINE}' >> {SETTINGS}"))?;
    place.sh(&format!("dpkg -i {next}"))?;
    ensure!(
        is_kept(address)?,
        "the running daemon was disturbed by the upgrade"
    );
    drop(daemon);
    serves_what_was_registered(place).context("after an upgrade")?;
    says(place, &format!("tail -n 1 {SETTINGS}"), OWN_LINE)?;

    println!("   remove");
    place.sh("dpkg -r lastbeat")?;
    place.sh(&format!(
        "test ! -e /usr/bin/lastbeatd && test -s {DATA} && test -s {SETTINGS}"
    ))?;
    place.sh(&format!("dpkg -i {next}"))?;
    serves_what_was_registered(place).context("after a removal")?;

    println!("   purge");
    place.sh("dpkg -P lastbeat")?;
    place
        .sh(&format!(
            "test ! -e /var/lib/lastbeat && test ! -e /etc/lastbeat && test ! -e {VARIABLES} && \
             test ! -L {ENABLED} && getent passwd lastbeat >/dev/null"
        ))
        .context("a purge leaves the user and nothing else")?;
    Ok(())
}

/// What an installation leaves: files, a unit that systemd accepts, a user that cannot log in.
fn is_installed(place: &Place) -> Result<()> {
    for file in FILES {
        place
            .sh(&format!("test -s {file}"))
            .with_context(|| format!("{file} is not there"))?;
    }
    place.sh(&format!("test -L {ENABLED}"))?;
    place.sh("lastbeatd --version && lastbeat --version")?;
    says(
        place,
        "stat -c '%U %G %a' /var/lib/lastbeat",
        "lastbeat lastbeat 750",
    )?;
    says(
        place,
        "getent passwd lastbeat | cut -d: -f7",
        "/usr/sbin/nologin",
    )?;
    says(place, "systemd-analyze verify lastbeatd.service 2>&1", "")
}

/// Starts the daemon, which must still know the service that was registered.
fn serves_what_was_registered(place: &Place) -> Result<()> {
    let (_daemon, address) = start(place)?;
    ensure!(is_kept(address)?, "the registration is gone");
    Ok(())
}

/// With a stand-in for systemd: what it is asked at each stage.
fn with_systemd(place: &Place, package: &str, next: &str) -> Result<()> {
    println!("   the same, where systemd runs");
    place.sh(&format!(
        "mkdir -p /run/systemd/system && rm -f /usr/sbin/policy-rc.d && \
         printf '%s' '{}' > /usr/bin/systemctl && chmod 755 /usr/bin/systemctl",
        SYSTEMCTL.replace('\'', "'\\''")
    ))?;
    asked(place, &format!("dpkg -i {package}"), &["start"])?;
    asked(place, &format!("dpkg -i {next}"), &["restart"])?;
    asked(place, "dpkg -r lastbeat", &["stop"])?;
    asked(place, "dpkg -P lastbeat", &[])
}

/// Runs a line, after which systemd must have been asked for these actions on the service.
fn asked(place: &Place, line: &str, actions: &[&str]) -> Result<()> {
    place.sh("rm -f /tmp/asked && touch /tmp/asked")?;
    place.sh(line)?;
    let asked = place.sh("cat /tmp/asked")?;
    let found: Vec<&str> = asked
        .lines()
        .filter(|line| line.ends_with("lastbeatd.service"))
        .flat_map(|line| line.split(' '))
        .filter(|word| ["start", "restart", "stop", "try-restart"].contains(word))
        .collect();
    ensure!(
        found == actions,
        "`{line}` asked systemd to {found:?}: {asked}"
    );
    Ok(())
}

fn says(place: &Place, line: &str, expected: &str) -> Result<()> {
    let said = place.sh(line)?;
    ensure!(said == expected, "`{line}` says {said}, not {expected}");
    Ok(())
}

fn is_kept(address: SocketAddr) -> Result<bool> {
    let list = http::ask(address, "GET", "/services/kept", &Value::Null)?;
    Ok(list.to_string().contains("10.0.0.7"))
}

/// Starts the daemon as the installed unit says: its user, folder, settings and command.
fn start(place: &Place) -> Result<(Running, SocketAddr)> {
    let unit = place.sh("cat /lib/systemd/system/lastbeatd.service")?;
    let keys: BTreeMap<&str, &str> = unit
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .collect();
    let [Some(user), Some(environment), Some(program), Some(folder)] =
        ["User", "Environment", "ExecStart", "StateDirectory"].map(|key| keys.get(key))
    else {
        bail!("the unit lacks a key: {unit}");
    };
    let mut command = place.command(
        "setpriv",
        &[
            "--reuid",
            user,
            "--regid",
            user,
            "--clear-groups",
            "--no-new-privs",
            "env",
            environment,
        ],
    );
    command
        .arg(format!("STATE_DIRECTORY=/var/lib/{folder}"))
        .args([program, "--listen", "127.0.0.1:0"])
        .stderr(Stdio::piped());
    Running::start(
        &mut command,
        |child| child.stderr.take(),
        Running::address_in,
    )
}
