//! Tools from npm's index, one version each, put into `target/` when a test first needs them.

use std::path::{Path, PathBuf};
use std::process::Command;

/// axe-core looks at pages in a browser, html-validate at their text; the latter is the newest
/// that runs on Debian's node.
const PACKAGES: [&str; 2] = ["axe-core@4.14.1", "html-validate@9.7.1"];

/// The folder with all of them, made once for a tree.
fn installed() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(PACKAGES.join("-"));
    let done = folder.join("done");
    std::fs::create_dir_all(&folder).unwrap();
    // Another test may be at it.
    let lock = std::fs::File::create(folder.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    if !done.exists() {
        let output = Command::new("npm")
            .args([
                "install",
                "--no-audit",
                "--no-fund",
                "--no-save",
                "--prefix",
            ])
            .arg(&folder)
            .args(PACKAGES)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "cannot install {PACKAGES:?}, npm ended with {}: {}; give npm a way to its index",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        std::fs::write(done, "").unwrap();
    }
    folder.join("node_modules")
}

/// axe-core as a script for a page.
pub(crate) fn axe() -> String {
    std::fs::read_to_string(installed().join("axe-core/axe.min.js")).unwrap()
}

/// What html-validate finds in the pages of a folder, by its own rules but for `meta-refresh`,
/// which is how a page without scripts stays new. Nothing where nothing is wrong.
pub(crate) fn html_errors(folder: &Path) -> String {
    let settings =
        r#"{"root":true,"extends":["html-validate:recommended"],"rules":{"meta-refresh":"off"}}"#;
    std::fs::write(folder.join(".htmlvalidate.json"), settings).unwrap();
    let output = Command::new("node")
        .arg(installed().join("html-validate/bin/html-validate.mjs"))
        .args(["--ext", "html", "."])
        .current_dir(folder)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    assert_eq!(output.status.success(), said.is_empty(), "{said}");
    said
}
