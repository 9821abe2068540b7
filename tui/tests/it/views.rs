//! A walk through everything that the program can show, for tests of what it never writes.

use crate::pty::Terminal;

/// Opens what can be shown of the selected row and closes it again.
pub(crate) fn visit_row(terminal: &mut Terminal) {
    for (keys, shown) in [("\r", "PgDn/PgUp scroll"), ("e", "EVENTS"), ("d", "[ No ]")] {
        terminal.press(keys);
        terminal.wait_text(shown);
        if keys == "e" {
            terminal.press("e");
            terminal.wait("events of one", |screen| {
                let text = screen.contents();
                text.contains("EVENTS  of ") && !text.contains("of all services")
            });
        }
        terminal.press("\x1b");
        terminal.wait_gone(shown);
    }
}

/// Goes through all views but those of single rows, on a screen that has lines.
pub(crate) fn visit_all(terminal: &mut Terminal) {
    terminal.press("v");
    terminal.wait_text("INSTANCES");
    terminal.press("v");
    terminal.wait_text("ADDRESS");
    terminal.press("?");
    terminal.wait_text("this help");
    terminal.press("/copy");
    terminal.wait_text("/copy");
    terminal.press("\r");
    terminal.wait_gone("this help");
    terminal.press("?");
    terminal.wait_gone("copy the address");
    terminal.press("/e");
    terminal.wait_text(" /e");
    terminal.press("\x1b");
    terminal.wait_text("filter: none");
    terminal.press("4");
    terminal.wait_text("sort age");
    terminal.press("r");
    terminal.wait_text("refreshed");
    terminal.press(" ");
    terminal.wait_text("PAUSED");
    terminal.press(" ");
    terminal.wait_text("LIVE");
}
