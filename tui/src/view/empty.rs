//! What stands where the table would, when it has no rows: why, and what to do.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::canvas::Line;
use crate::clock::Mono;
use crate::model::Model;
use crate::model::link::FaultKind;
use crate::theme::Look;

/// Says why there are no rows.
pub(super) fn draw(model: &Model, look: Look, now: Mono, area: Rect, buffer: &mut Buffer) {
    let lines = sentences(model, now);
    let columns = usize::from(area.width.saturating_sub(4));
    let wrapped = lines.iter().flat_map(|text| look.safe(text).wrap(columns));
    for (line, text) in (1..area.height).zip(wrapped) {
        Line::new(buffer, area, line, look.charset)
            .skip(2)
            .text(&text, look.plain());
    }
}

fn sentences(model: &Model, now: Mono) -> Vec<String> {
    let filter = model.rows.filter();
    match &model.link.fault {
        Some(fault) if !model.link.has_answer() => {
            let advice = match fault.kind {
                FaultKind::Unreachable => {
                    "is lastbeatd running there? set --url or LASTBEAT_URL if it is elsewhere"
                }
                FaultKind::Unauthorized
                | FaultKind::Untrusted
                | FaultKind::NotOurs
                | FaultKind::Refused => "it is asked again all the same",
            };
            vec![
                format!("cannot ask {}: {}", model.url, fault.text),
                advice.to_owned(),
            ]
        }
        None if !model.link.has_answer() => vec![format!("connecting to {} …", model.url)],
        _ if 0 < model.lines.gone_len() && !filter.is_empty() => vec![
            format!(
                "nothing that is registered matches the filter \"{}\"; what is GONE does",
                filter.text()
            ),
            "Esc clears it".to_owned(),
        ],
        _ if 0 < model.rows.total() => {
            let said = format!(
                "none of {} services matches the filter \"{}\"",
                model.rows.total(),
                filter.text()
            );
            let fault = filter.fault();
            let lines = [Some(said), fault, Some("Esc clears it".to_owned())];
            lines.into_iter().flatten().collect()
        }
        fault => {
            let mut lines = vec![
                "no services are registered; register one:".to_owned(),
                String::new(),
                format!(
                    "curl -d '{{\"name\": \"auth-service\", \"ip\": \"192.168.1.100\"}}' {}/register",
                    model.url
                ),
            ];
            if fault.is_some() {
                let silent = model.link.silent_for(now);
                lines.insert(0, format!("as of the last answer, {silent} ago:"));
            }
            lines
        }
    }
}
