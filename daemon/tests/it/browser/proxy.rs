//! nginx before the daemon, as the operations guide sets it up.

use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::program::{Daemon, Running, line_behind};
use crate::authority::Authority;

/// A proxy that shows the daemon under a path of its own and nothing else.
pub(crate) struct Proxy {
    /// Where the dashboard is behind it.
    pub(crate) url: String,
    dir: TempDir,
    _program: Running,
}

impl Proxy {
    pub(crate) async fn start(daemon: &Daemon) -> Self {
        let headers = "proxy_set_header Host $http_host;";
        Self::before(&daemon.url, "http", "", headers).await
    }

    /// One that speaks TLS with the certificate of `authority`, as the operations guide sets it up.
    pub(crate) async fn start_with_tls(upstream: &str, authority: &Authority) -> Self {
        let (cert, key) = (authority.cert(), authority.key());
        let (cert, key) = (cert.display(), key.display());
        let tls = format!("ssl_certificate {cert}; ssl_certificate_key {key};");
        let headers = "proxy_set_header Host $host;\n\
             proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n\
             proxy_set_header X-Forwarded-Proto $scheme;\n\
             proxy_set_header X-Forwarded-Prefix /registry;";
        Self::before(upstream, "https", &tls, headers).await
    }

    async fn before(upstream: &str, scheme: &str, server: &str, headers: &str) -> Self {
        let ssl = if scheme == "https" { " ssl" } else { "" };
        let dir = tempfile::tempdir().unwrap();
        // nginx cannot be given a bound socket, so it gets a port that was free a moment ago.
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let home = dir.path().display();
        let text = format!(
            "daemon off; master_process off; pid {home}/pid; error_log stderr notice;\n\
             events {{}}\n\
             http {{ access_log {home}/access.log; client_body_temp_path {home}/body;\n\
             proxy_temp_path {home}/proxy; fastcgi_temp_path {home}/f;\n\
             uwsgi_temp_path {home}/u; scgi_temp_path {home}/s;\n\
             server {{ listen {address}{ssl}; {server}\n\
             location / {{ return 404; }}\n\
             location /registry/ {{ proxy_pass {upstream}; {headers} }}\n\
             }} }}\n"
        );
        let path = dir.path().join("nginx.conf");
        std::fs::write(&path, text).unwrap();
        let mut program = Command::new("nginx")
            .arg("-c")
            .arg(path)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = program.stderr.take().unwrap();
        let program = Running(program);
        // One process, which ends with its test; this is said when it listens already.
        line_behind(stderr, "getrlimit(RLIMIT_NOFILE)").await;
        Self {
            url: format!("{scheme}://{address}/registry/"),
            dir,
            _program: program,
        }
    }

    /// The paths that were asked for.
    pub(crate) fn asked(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.dir.path().join("access.log")).unwrap();
        let path = |line: &str| line.split(' ').nth(6).unwrap_or_default().to_owned();
        log.lines().map(path).collect()
    }
}
