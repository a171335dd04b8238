//! What a terminal shows of accounts, ledger and figures. Reads nothing, computes nothing.

use std::fmt::Write;

use louan_schema::area::street;

use super::desk::{HazardLine, Month, MonthLine};
use super::people::Account;

/// A text filled up to a number of terminal columns; a Chinese character takes two. What is too long ends in `…`.
#[must_use]
pub fn padded(text: &str, columns: usize) -> String {
    let width = |c: char| if c.is_ascii() { 1 } else { 2 };
    let whole: usize = text.chars().map(width).sum();
    let room = if whole > columns { columns.saturating_sub(width('…')) } else { columns };
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        if used + width(c) > room {
            out.push('…');
            used += width('…');
            break;
        }
        out.push(c);
        used += width(c);
    }
    out.push_str(&" ".repeat(columns.saturating_sub(used)));
    out
}

/// The accounts, a line each.
#[must_use]
pub fn accounts(list: &[&Account]) -> String {
    let mut text = format!("   {} {} {} 单位\n", padded("账号", 12), padded("密码", 18), padded("岗位", 18));
    for account in list {
        let line = [padded(&account.login, 12), padded(&account.password, 18), padded(account.role, 18)];
        // Writing to a String cannot fail.
        let _ = writeln!(text, "   {} {}", line.join(" "), account.org);
    }
    text
}

/// Lines of the ledger, numbered.
#[must_use]
pub fn ledger(lines: &[HazardLine]) -> String {
    let head = [("序号", 5), ("街镇", 10), ("小区/项目", 22), ("隐患", 34), ("发现", 11), ("整改时限", 11)];
    let mut text = format!("   {}状态\n", head.map(|(title, columns)| padded(title, columns)).concat());
    for (i, line) in lines.iter().enumerate() {
        let place = line.street.and_then(|code| street(code).ok()).map_or("", |street| street.name);
        let cells = [
            padded(&(i + 1).to_string(), 5),
            padded(place, 10),
            padded(&line.site_name, 21) + " ",
            padded(&format!("{} {}", line.code, line.name), 33) + " ",
            padded(&line.found_on, 11),
            padded(line.due_on.as_deref().unwrap_or("—"), 11),
        ];
        let overdue = if line.overdue { "（逾期）" } else { "" };
        let _ = writeln!(text, "   {}{}{overdue}", cells.concat(), line.state_label);
    }
    text
}

/// The month by street, and in all.
#[must_use]
pub fn month(month: &Month) -> String {
    let titles = ["检查次数", "发现隐患", "处置完成", "复查销号", "逾期未改", "待核实"];
    let mut text = format!("   {}{}\n", padded("街镇", 10), titles.map(right_title).concat());
    for row in &month.rows {
        let _ = writeln!(text, "   {}{}", padded(&row.name, 10), figures(&row.figures));
    }
    let _ = writeln!(text, "   {}{}", padded("合计", 10), figures(&month.total));
    text
}

const COLUMN: usize = 10;

fn right_title(title: &str) -> String {
    let width = title.chars().count() * 2;
    " ".repeat(COLUMN - width) + title
}

fn figures(line: &MonthLine) -> String {
    let MonthLine { rounds, hazards_found, disposed, closed, overdue, unconfirmed } = *line;
    [rounds, hazards_found, disposed, closed, overdue, unconfirmed].map(|n| format!("{n:>COLUMN$}")).concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stay_in_line_whatever_the_script() {
        assert_eq!(padded("古南街道", 10), "古南街道  ");
        assert_eq!(padded("1栋 A", 5), "1栋 A");
        assert_eq!(padded("1栋 AB", 5), "1栋…", "what was cut is seen to be cut");
        assert_eq!(padded("防火门损坏", 7), "防火… ", "half a character is not shown");
    }

    #[test]
    fn every_figure_stands_below_its_title() {
        let line =
            MonthLine { rounds: 1, hazards_found: 22, disposed: 3, closed: 4, overdue: 5, unconfirmed: 6 };
        assert_eq!(figures(&line).len(), 6 * COLUMN);
        assert_eq!(right_title("待核实"), "    待核实");
    }
}
