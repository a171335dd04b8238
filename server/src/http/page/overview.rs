//! `GET /`: the figures by 街镇 and the first lines of the hazard ledger.
//!
//! On a phone a line of a table is a card, and a browser forgets what a table is whose display was changed: every part
//! says its role itself.

use louan_schema::code::{Action, may};
use louan_schema::time::Day;
use maud::{Markup, html};
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use super::super::api_error::{ApiError, Problem};
use super::super::caller::Official;
use super::super::context::{Context, context};
use super::super::ledger::HazardView;
use super::super::month::{FiguresView, SeenFigures, StreetFigures, seen};
use super::super::query::{Parameters, raw};
use super::super::{Desk, Mount, at, reply};
use super::login::to_login;
use super::{layout, page};
use crate::hub::{HazardQuery, Page};

/// Lines of the ledger shown.
const LINES: u64 = 20;

pub(super) fn routes(desk: &Desk) -> BoxedFilter<(Response,)> {
    warp::path::end()
        .and(warp::get())
        .and(at(desk))
        .and(context(desk))
        .and(raw())
        .then(show_overview)
        .map(reply)
        .boxed()
}

async fn show_overview(desk: Desk, context: Context, raw: String) -> Result<Response, ApiError> {
    let official = match desk.official(&context).await {
        Err(error) if error.problem == Problem::SignInAgain => return Ok(to_login(desk.mount())?),
        other => other?,
    };
    desk.rates().read(official.person.id, desk.now().system)?;
    let now = desk.now().business;
    let mut parameters = Parameters::of(&raw);
    let asked = parameters.find("cut_off", "cut_off", |text| text.parse::<Day>().ok());
    parameters.finish()?;
    let cut_off = asked.unwrap_or(now.day());
    let role = official.person.role;
    let month = if may(role, Action::ReadFigures) {
        Some(seen(&official.org, &desk.hub().month(cut_off.end()).await?))
    } else {
        None
    };
    let lines = if may(role, Action::ReadLedger) {
        let query = HazardQuery { seen_by: Some(official.org.id), limit: LINES, ..HazardQuery::default() };
        Some(desk.hazard_views(desk.hub().list_hazards(query).await?, now).await?)
    } else {
        None
    };
    Ok(page(overview(desk.mount(), &official, cut_off, month.as_ref(), lines.as_ref())))
}

fn overview(
    mount: &Mount,
    official: &Official,
    cut_off: Day,
    month: Option<&SeenFigures>,
    lines: Option<&Page<HazardView>>,
) -> Markup {
    let head = html! {
        p class="who" { (official.org.name) " " (official.person.name) "（" (official.person.role.label()) "）" }
        form method="post" action=(mount.path("/logout")) { button type="submit" { "退出登录" } }
    };
    let main = html! {
        @if month.is_some() && lines.is_some() {
            nav aria-label="本页内容" {
                a class="button" href="#month" { (MONTH) }
                a class="button" href="#ledger" { (LEDGER) }
            }
        }
        @if let Some(month) = month { (month_section(mount, cut_off, month)) }
        @if let Some(lines) = lines { (ledger_section(lines, month.is_none())) }
        @if month.is_none() && lines.is_none() {
            h1 { "首页" }
            p { "您的岗位无权查看统计和台账。如工作需要，请联系系统运行单位。" }
        }
    };
    layout(mount, "首页", Some(head), &main)
}

fn month_section(mount: &Mount, cut_off: Day, month: &SeenFigures) -> Markup {
    html! {
        section id="month" {
            h1 { (MONTH) }
            form method="get" action=(mount.path("/")) class="inline" {
                label for="cut_off" { "统计截止日期" }
                input id="cut_off" name="cut_off" type="date" value=(cut_off) required;
                button type="submit" { "查看" }
            }
            p { "自整治开始累计，截至 " (cut_off) " 24时；按发生时间统计，不论何时上报。" }
            (tiles(&month.total))
            div class="wide" tabindex="0" role="region" aria-label={ (MONTH) "表" } {
                table class="figures" role="table" {
                    thead role="rowgroup" {
                        tr role="row" {
                            th scope="col" role="columnheader" { "序号" }
                            th scope="col" role="columnheader" { "街镇" }
                            @for title in FIGURES {
                                th scope="col" role="columnheader" class="number" { (title) }
                            }
                        }
                    }
                    tbody role="rowgroup" {
                        @for (i, row) in month.rows.iter().enumerate() { (street_row(i + 1, row)) }
                    }
                    tfoot role="rowgroup" {
                        tr role="row" {
                            th scope="row" role="rowheader" colspan="2" { "合计" }
                            (figures(&month.total))
                        }
                    }
                }
            }
        }
    }
}

const MONTH: &str = "整治情况累计统计";
const LEDGER: &str = "火灾隐患台账";
const FIGURES: [&str; 6] = ["检查次数", "发现隐患", "处置完成", "复查销号", OVERDUE, "待核实"];
const OVERDUE: &str = "逾期未改";

/// Every figure with its title; a title always stands beside the number, so a colour only repeats it.
fn titled(figures: &FiguresView) -> impl Iterator<Item = (&'static str, u64, bool)> {
    let FiguresView { rounds, hazards_found, disposed, closed, overdue, unconfirmed } = *figures;
    let numbers = [rounds, hazards_found, disposed, closed, overdue, unconfirmed];
    FIGURES.into_iter().zip(numbers).map(|(title, number)| (title, number, title == OVERDUE && number > 0))
}

fn tiles(total: &FiguresView) -> Markup {
    html! {
        dl class="tiles" {
            @for (title, number, late) in titled(total) {
                div class=[late.then_some("late")] {
                    dt { (title) }
                    dd class=[late.then_some("overdue")] { (number) }
                }
            }
        }
    }
}

fn street_row(number: usize, row: &StreetFigures) -> Markup {
    html! {
        tr role="row" {
            td class="row" role="cell" { (number) }
            th scope="row" role="rowheader" { (row.name) }
            (figures(&row.figures))
        }
    }
}

fn figures(figures: &FiguresView) -> Markup {
    html! {
        @for (title, number, late) in titled(figures) {
            td class=(if late { "number overdue" } else { "number" }) role="cell" data-title=(title) { (number) }
        }
    }
}

const COLUMNS: [&str; 8] = ["序号", "小区/项目", "街镇", "隐患", "严重程度", "状态", "发现日期", "整改时限"];

/// `alone`: nothing stands above it, so its title is the page's.
fn ledger_section(lines: &Page<HazardView>, alone: bool) -> Markup {
    html! {
        section id="ledger" {
            @if alone { h1 { (LEDGER) } } @else { h2 { (LEDGER) } }
            p {
                "共 " (lines.total) " 条"
                @if !lines.rows.is_empty() { "，显示最近发现的 " (lines.rows.len()) " 条" }
                "。"
            }
            @if !lines.rows.is_empty() {
                div class="wide" tabindex="0" role="region" aria-label={ (LEDGER) "表" } {
                    table role="table" {
                        thead role="rowgroup" {
                            tr role="row" {
                                @for title in COLUMNS { th scope="col" role="columnheader" { (title) } }
                            }
                        }
                        tbody role="rowgroup" {
                            @for (i, line) in lines.rows.iter().enumerate() { (ledger_line(i + 1, line)) }
                        }
                    }
                }
            }
        }
    }
}

fn ledger_line(number: usize, line: &HazardView) -> Markup {
    let [_, _, street, hazard, severity, state, found, due] = COLUMNS;
    html! {
        tr role="row" {
            td class="row" role="cell" { (number) }
            th scope="row" role="rowheader" { (line.site_name) }
            td class="short" role="cell" data-title=(street) { (line.street_name) }
            td role="cell" data-title=(hazard) {
                span { (line.code) " " (line.name) @if !line.text.is_empty() { br; span class="small" { (line.text) } } }
            }
            td class="short" role="cell" data-title=(severity) { (line.severity_label) }
            td class="short" role="cell" data-title=(state) {
                span {
                    (line.state_label) @if line.overdue { " " strong class="overdue" { "逾期" } }
                    @if line.photos_missing > 0 { br; span class="small" { "尚缺照片 " (line.photos_missing) " 张" } }
                }
            }
            td class="short" role="cell" data-title=(found) { (line.found_on) }
            td class="short" role="cell" data-title=(due) { (line.due_on.as_deref().unwrap_or("待定")) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, overdue: bool) -> HazardView {
        HazardView {
            id: String::new(),
            version: 1,
            site: String::new(),
            site_name: format!("{text}小区"),
            street: None,
            street_name: "",
            code: "H1.01".to_owned(),
            name: text.to_owned(),
            text: text.to_owned(),
            severity: "general",
            severity_label: "一般",
            state: "reported",
            state_label: "待核实",
            found_at: String::new(),
            found_on: "2020-03-20".to_owned(),
            due_on: None,
            overdue,
            disposed_at: None,
            closed_at: None,
            photos: 2,
            photos_missing: 0,
        }
    }

    #[test]
    fn what_people_wrote_is_text_and_nothing_else() {
        for payload in
            ["<img src=x onerror=alert(1)>", "\"><script>1</script>", "</td></table>", "{{7*7}}", "&lt;b&gt;"]
        {
            let page = Page { rows: vec![line(payload, false)], total: 1 };
            let text = ledger_section(&page, false).into_string();
            assert!(!text.contains("<img") && !text.contains("<script"), "{text}");
            assert_eq!(text.matches("</table>").count(), 1, "{text}");
            assert_eq!(
                text.contains("&amp;lt;b"),
                payload.contains("&lt;b"),
                "an entity is not decoded by us"
            );
        }
    }

    #[test]
    fn a_line_whose_photos_are_not_all_here_says_so() {
        let shown =
            |photos_missing| ledger_line(1, &HazardView { photos_missing, ..line("x", false) }).into_string();
        assert!(shown(1).contains("尚缺照片 1 张") && !shown(0).contains("照片"));
    }

    #[test]
    fn every_part_of_a_table_keeps_its_role_whatever_a_style_makes_of_it() {
        let row = StreetFigures {
            street: String::new(),
            name: "古南街道",
            figures: FiguresView { overdue: 1, ..FiguresView::default() },
        };
        let month = SeenFigures { rows: vec![row], total: FiguresView::default() };
        let day = "2020-03-20".parse().expect("a day");
        let ledger = Page { rows: vec![line("x", true)], total: 1 };
        let figures = month_section(&Mount::at(""), day, &month).into_string();
        for text in [figures, ledger_section(&ledger, false).into_string()] {
            for (tag, roles) in [
                ("<table", &["table"][..]),
                ("<thead", &["rowgroup"]),
                ("<tbody", &["rowgroup"]),
                ("<tfoot", &["rowgroup"]),
                ("<tr", &["row"]),
                ("<th ", &["columnheader", "rowheader"]),
                ("<td", &["cell"]),
            ] {
                for part in text.split(tag).skip(1).map(|rest| rest.split('>').next().unwrap_or_default()) {
                    let own = roles.iter().any(|role| part.contains(&format!("role=\"{role}\"")));
                    assert!(own, "{tag}{part}>");
                }
            }
            assert!(text.contains("<th ") && text.contains("<td"), "{text}");
        }
    }

    #[test]
    fn a_ledger_that_stands_alone_carries_the_title_of_the_page() {
        let page = Page { rows: Vec::new(), total: 0 };
        let shown = |alone| ledger_section(&page, alone).into_string();
        assert!(shown(true).contains("<h1>火灾隐患台账</h1>") && !shown(true).contains("<h2"));
        assert!(shown(false).contains("<h2>火灾隐患台账</h2>") && !shown(false).contains("<h1"));
    }

    #[test]
    fn overdue_is_said_in_words_not_only_in_colour() {
        let shown = |overdue| ledger_line(1, &line("x", overdue)).into_string();
        assert!(shown(true).contains(">逾期<") && !shown(false).contains("逾期"));
        let overdue = FiguresView { overdue: 3, ..FiguresView::default() };
        let (row, total) = (figures(&overdue).into_string(), tiles(&overdue).into_string());
        assert!(row.contains(r#"data-title="逾期未改">3<"#), "{row}");
        assert!(total.contains("<dt>逾期未改</dt><dd class=\"overdue\">3<"), "{total}");
    }
}
