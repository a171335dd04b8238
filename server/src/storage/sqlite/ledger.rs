//! The ledger's tables as read: lists with totals, the lines of a month, a hazard's case.
//!
//! What an organisation sees is decided in SQL here by the visibility rows that the write
//! transaction keeps; an organisation that sees everything is recognised by its row.

use louan_schema::area::StreetCode;
use louan_schema::fold::month::RoundLine;
use louan_schema::id::{CommandId, HazardId, OrgId, PersonId, RoundId, SiteId};
use louan_schema::time::Timestamp;
use louan_schema::wire::{CommandVerdict, HazardStatus};
use rusqlite::{Connection, OptionalExtension, Row, ToSql};

use super::value::{count, damaged, int, read, small};
use super::{Sqlite, apply, fold, registry};
use crate::storage::Reply;
use crate::storage::ledger::{HazardCase, HazardQuery, LedgerLines, LedgerStore, Page, RoundQuery, RoundRow};

/// Most rows of one page.
const PAGE_MAX: u64 = 500;

impl LedgerStore for Sqlite {
    fn list_hazards(&self, query: HazardQuery) -> Reply<'_, Page<HazardStatus>> {
        self.read("list hazards", move |tx| {
            let mut filter = Filter::seen_by(tx, query.seen_by, "hazard_row")?;
            filter.add("site.street = ", query.street.map(StreetCode::number));
            filter.add("hazard_row.site = ", query.site.map(|site| site.0));
            filter.add("hazard_row.state = ", query.state.map(louan_schema::code::HazardState::number));
            if let Some(day) = query.overdue_on {
                filter.add(
                    "hazard_row.disposed_at IS NULL AND hazard_row.state <> 5 AND hazard_row.due_on <= ",
                    Some(day.count()),
                );
            }
            if let Some((at, id)) = query.after {
                filter.follows(("hazard_row.found_at", at), &[("hazard_row.id", id.0)]);
            }
            let from = "hazard_row JOIN site ON site.id = hazard_row.site";
            let order = "hazard_row.found_at DESC, hazard_row.id";
            filter
                .page(tx, ("hazard_row.bytes", from, order), (query.offset, query.limit), |row| read(row, 0))
        })
    }

    fn list_rounds(&self, query: RoundQuery) -> Reply<'_, Page<RoundRow>> {
        self.read("list rounds", move |tx| {
            let mut filter = Filter::seen_by(tx, query.seen_by, "round_row")?;
            filter.add("site.street = ", query.street.map(StreetCode::number));
            filter.add("round_row.site = ", query.site.map(|site| site.0));
            filter.add("round_row.opened_at < ", query.before.map(Timestamp::ms));
            let columns = "round_row.id, round_row.org, round_row.site, opened_at, buildings, complete, contested, failed";
            let from = "round_row JOIN site ON site.id = round_row.site";
            if let Some((at, id, org, site)) = query.after {
                let rest = [("round_row.id", id.0), ("round_row.org", org.0), ("round_row.site", site.0)];
                filter.follows(("round_row.opened_at", at), &rest);
            }
            let order = "round_row.opened_at DESC, round_row.id, round_row.org, round_row.site";
            filter.page(tx, (columns, from, order), (query.offset, query.limit), round)
        })
    }

    fn ledger_lines(&self) -> Reply<'_, LedgerLines> {
        self.read("read the ledger", |tx| {
            // A visit that two organisations recorded on one site (joint inspection) is one visit.
            let sql = "SELECT site.street, MIN(round_row.opened_at) FROM round_row \
                       JOIN site ON site.id = round_row.site GROUP BY round_row.id, round_row.site \
                       ORDER BY round_row.id, round_row.site";
            let line = |row: &Row<'_>| {
                Ok(RoundLine { street: street(row, 0)?, opened_at: Timestamp::from_ms(row.get(1)?) })
            };
            let rounds = tx.prepare_cached(sql)?.query_map([], line)?.collect::<rusqlite::Result<_>>()?;
            let sql = "SELECT site.street, hazard_row.bytes FROM hazard_row \
                       JOIN site ON site.id = hazard_row.site ORDER BY hazard_row.id";
            let line = |row: &Row<'_>| Ok((street(row, 0)?, read(row, 1)?));
            let hazards = tx.prepare_cached(sql)?.query_map([], line)?.collect::<rusqlite::Result<_>>()?;
            Ok(LedgerLines { rounds, hazards })
        })
    }

    fn hazard_case(&self, hazard: HazardId) -> Reply<'_, Option<HazardCase>> {
        self.read("load a hazard", move |tx| {
            let sql = "SELECT bytes FROM hazard_row WHERE id = ?1";
            let status = tx.prepare_cached(sql)?.query_row([hazard.0], |row| read(row, 0)).optional()?;
            let Some(status) = status else { return Ok(None) };
            let facts = fold::facts(tx, &hazard.0)?;
            Ok(Some(HazardCase { status, facts, rulings: apply::rulings(tx, &hazard.0)? }))
        })
    }

    fn is_ruled(&self, command: CommandId) -> Reply<'_, bool> {
        self.read("look up a ruling", move |tx| {
            tx.prepare_cached("SELECT 1 FROM ruling WHERE command = ?1")?.exists([command.0])
        })
    }

    fn find_answer(
        &self,
        command: CommandId,
        person: PersonId,
    ) -> Reply<'_, Option<([u8; 16], CommandVerdict)>> {
        self.read("look up a command", move |tx| {
            let sql = "SELECT target, verdict FROM command WHERE id = ?1 AND person = ?2";
            let row = |row: &Row<'_>| Ok((row.get(0)?, read(row, 1)?));
            tx.prepare_cached(sql)?.query_row((command.0, person.0), row).optional()
        })
    }
}

fn street(row: &Row<'_>, column: usize) -> rusqlite::Result<StreetCode> {
    StreetCode::new(row.get(column)?).ok_or_else(|| damaged(column))
}

fn round(row: &Row<'_>) -> rusqlite::Result<RoundRow> {
    Ok(RoundRow {
        id: RoundId(row.get(0)?),
        org: OrgId(row.get(1)?),
        site: SiteId(row.get(2)?),
        opened_at: Timestamp::from_ms(row.get(3)?),
        buildings: read(row, 4)?,
        complete: row.get(5)?,
        contested: row.get(6)?,
        failed: small(row, 7)?,
    })
}

/// Conditions joined by AND, with their values.
struct Filter {
    conditions: String,
    values: Vec<Box<dyn ToSql>>,
    /// Whether the list is gone on with: how much there is in all was told at its beginning.
    goes_on: bool,
}

impl Filter {
    /// Everything an organisation sees; nothing given: the whole district.
    fn seen_by(tx: &Connection, org: Option<OrgId>, table: &str) -> rusqlite::Result<Self> {
        let mut filter = Self { conditions: "1 = 1".to_owned(), values: Vec::new(), goes_on: false };
        let Some(org) = org else { return Ok(filter) };
        if !registry::org(tx, org)?.is_some_and(|row| row.sees_everything()) {
            let seen =
                "IN (SELECT visibility.site FROM visibility WHERE to_pos IS NULL AND visibility.org = ";
            filter.add(&format!("{table}.site {seen}"), Some(org.0));
            filter.conditions.push(')');
        }
        Ok(filter)
    }

    fn add(&mut self, condition: &str, value: Option<impl ToSql + 'static>) {
        if let Some(value) = value {
            self.values.push(Box::new(value));
            self.conditions = format!("{} AND {condition}?{}", self.conditions, self.values.len());
        }
    }

    /// Only what follows a line: newest first, then by names.
    fn follows(&mut self, (column, at): (&str, Timestamp), rest: &[(&str, [u8; 16])]) {
        self.goes_on = true;
        self.values.push(Box::new(at.ms()));
        let at = self.values.len();
        let (mut names, mut places) = (Vec::new(), Vec::new());
        for (name, value) in rest {
            self.values.push(Box::new(*value));
            names.push(*name);
            places.push(format!("?{}", self.values.len()));
        }
        let (names, places) = (names.join(", "), places.join(", "));
        let later = format!("({column} < ?{at} OR ({column} = ?{at} AND ({names}) > ({places})))");
        self.conditions = format!("{} AND {later}", self.conditions);
    }

    fn page<T>(
        mut self,
        tx: &Connection,
        (columns, from, order): (&str, &str, &str),
        (offset, limit): (u64, u64),
        row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Page<T>> {
        let total = if self.goes_on {
            0
        } else {
            let sql = format!("SELECT COUNT(*) FROM {from} WHERE {}", self.conditions);
            let params = rusqlite::params_from_iter(self.values.iter());
            tx.prepare_cached(&sql)?.query_row(params, |row| count(row, 0))?
        };
        let limit = if limit == 0 { PAGE_MAX } else { limit.min(PAGE_MAX) };
        self.values.push(Box::new(int(limit)));
        self.values.push(Box::new(int(offset)));
        let bound = self.values.len();
        let sql = format!(
            "SELECT {columns} FROM {from} WHERE {} ORDER BY {order} LIMIT ?{} OFFSET ?{bound}",
            self.conditions,
            bound - 1
        );
        let params = rusqlite::params_from_iter(self.values.iter());
        let rows = tx.prepare_cached(&sql)?.query_map(params, row)?.collect::<rusqlite::Result<_>>()?;
        Ok(Page { rows, total })
    }
}
