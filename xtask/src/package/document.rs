//! Tables of a document: what stands there once is not written a second time for the man pages.

use anyhow::{Context, Result, ensure};

/// The rows under a heading (`## Files`) of the table whose first column has this name, without
/// its head; each row has `N` cells.
///
/// # Errors
/// When there is no such heading or table, or a row has another number of cells.
pub(crate) fn table<const N: usize>(
    text: &str,
    heading: &str,
    column: &str,
) -> Result<Vec<[String; N]>> {
    let place = || format!("the table `{column}` under `{heading}`");
    let mut lines = text
        .lines()
        .skip_while(|line| *line != heading)
        .skip(1)
        .take_while(|line| !line.starts_with("## "))
        .skip_while(|line| cells(line).first().is_none_or(|first| first != column));
    lines
        .next()
        .with_context(|| format!("there is no {}", place()))?;
    let rows = lines
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            <[String; N]>::try_from(cells(line))
                .map_err(|cells| anyhow::anyhow!("{} has a row of {} cells", place(), cells.len()))
        })
        .collect::<Result<Vec<_>>>()?;
    ensure!(!rows.is_empty(), "{} is empty", place());
    Ok(rows)
}

/// The cells of a line `| a | b |`; none in any other line.
fn cells(line: &str) -> Vec<String> {
    let inner = line
        .strip_prefix('|')
        .and_then(|rest| rest.strip_suffix('|'));
    // What is no column's edge is written `\|`.
    let marked = inner.unwrap_or_default().replace("\\|", "\0");
    match inner {
        None => Vec::new(),
        Some(_) => marked
            .split('|')
            .map(|cell| cell.trim().replace('\0', "|"))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "## One\n\n| code | meaning |\n|---|---|\n| 9 | other |\n\n## Two\n\
        text\n\n| flag | does |\n|---|---|\n| `-x` | x |\n\n| code | meaning |\n|---|---|\n\
        | 0 | fine |\n| 1 | `a\\|b` |\n\nmore\n";

    #[test]
    fn the_rows_of_the_right_table_are_read() {
        let rows = table::<2>(TEXT, "## Two", "code").unwrap();

        assert_eq!(rows, [["0", "fine"], ["1", "`a|b`"]]);
    }

    #[test]
    fn a_table_that_is_not_there_is_an_error() {
        assert!(table::<2>(TEXT, "## One", "flag").is_err());
        assert!(table::<2>(TEXT, "## Three", "code").is_err());
        assert!(table::<3>(TEXT, "## Two", "code").is_err());
    }
}
