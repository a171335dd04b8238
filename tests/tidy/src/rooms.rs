//! The rooms of rulebook, phone and server: which may enter which, read from `crate::<room>` in code.
//!
//! A room is a folder or file under `src`; the longest row that fits a path is its row. Every room may enter
//! itself and its own children's doors through `mod.rs`. Rooms not in the table are findings: a new room is a
//! decision. What is re-exported at the crate root (`crate::Name`) is the root's and open to all.

use std::collections::BTreeSet;

use crate::rust::{line_of, production};
use crate::{Finding, SourceFile};

/// A room and the rooms it may enter; `*` is everywhere.
struct Room {
    name: &'static str,
    enters: &'static [&'static str],
}

/// The rooms of one crate.
struct House {
    /// The folder of its sources.
    src: &'static str,
    rooms: &'static [Room],
}

const fn room(name: &'static str, enters: &'static [&'static str]) -> Room {
    Room { name, enters }
}

const HOUSES: &[House] = &[
    House { src: "schema/src/", rooms: SCHEMA },
    House { src: "client-core/src/", rooms: CLIENT_CORE },
    House { src: "server/src/", rooms: SERVER },
];

const SCHEMA: &[Room] = &[
    room("lib", &["*"]),
    // What everything else is said in.
    room("time", &[]),
    room("id", &["time"]),
    room("spelling", &[]),
    room("footprint", &[]),
    // District and campaign, as data.
    room("area", &[]),
    room("code", &["photo"]),
    room("policy", &["code", "time"]),
    // What people write down, and what is known about a picture.
    room("record", &["code", "doc", "id", "policy", "time"]),
    room("photo", &["code", "id", "registry", "time"]),
    // How it merges. Verdicts are the judge's to give: who writes or reads a document knows nothing of the wire.
    room("doc", &["code", "id", "policy", "record", "time"]),
    room("doc/judge", &["doc", "id", "policy", "record", "wire"]),
    // Tests as whole files.
    room("doc/hostile", &["*"]),
    room("doc/claims", &["*"]),
    // What offices decide.
    room("registry", &["area", "code", "footprint", "id"]),
    room("ruling", &["code", "id", "registry", "time"]),
    // What facts and rulings add up to: neither how they merged nor how they came.
    room("fold", &["area", "code", "id", "policy", "record", "ruling", "time"]),
    // How it travels; nobody below knows that it does.
    room("wire", &["area", "code", "doc", "fold", "id", "registry", "ruling", "time"]),
    room("unsent", &["id", "photo", "wire"]),
];

const CLIENT_CORE: &[Room] = &[
    room("lib", &["*"]),
    room("error", &["shelf", "store"]),
    // The one object: owns the store, asks who may act.
    room("phone", &["error", "shelf", "store", "sync"]),
    // What a worker does, and what comes and goes: both over the store, by the phone's door.
    room("usecase", &["error", "phone", "shelf", "store", "sync", "view"]),
    room("sync", &["error", "phone", "store", "usecase"]),
    // What a screen prints.
    room("view", &["store"]),
    // What is kept: decides nothing, so it knows nobody who does.
    room("store", &[]),
    room("store/sqlite", &["error", "store"]),
    room("shelf", &[]),
    room("shelf/sqlite", &["shelf", "store"]),
    // Performs what the core plans: never touches what is kept, nor acts for anybody.
    room("driver", &["error", "phone", "sync"]),
];

const SERVER: &[Room] = &[
    // Who puts everything together knows everyone.
    room("main", &["*"]),
    room("lib", &["*"]),
    room("cli", &["*"]),
    room("app", &["*"]),
    // The edge: connections, not meanings.
    room("edge", &["clock", "config", "telemetry", "http"]),
    room("clock", &[]),
    room("config", &[]),
    room("telemetry", &["config"]),
    // Speaks HTTP, calls services by their doors, never touches storage.
    room(
        "http",
        &[
            "auth", "hub", "sync", "ledger", "report", "ruling", "registry", "audit", "campaign", "deadline",
            "photo", "import", "table", "unsent", "clock", "config",
        ],
    ),
    // The core's one door: puts services together over a storage, speaks no HTTP.
    room(
        "hub",
        &[
            "sync", "worker", "ledger", "lock", "import", "table", "ruling", "registry", "report", "audit",
            "storage",
        ],
    ),
    room("lock", &[]),
    // Services: storage by its traits.
    room("auth", &["hub", "audit", "storage", "clock"]),
    // Work on whole stores: files, not rows.
    room("backup", &["storage", "storage/sqlite"]),
    room(
        "doctor",
        &["audit", "backup", "restore", "clock", "config", "edge", "storage", "storage/sqlite", "worker"],
    ),
    room("restore", &["backup", "audit", "storage", "storage/sqlite"]),
    room("sync", &["auth", "storage", "ledger", "registry", "worker", "blob", "clock"]),
    room("ledger", &["storage", "clock"]),
    room("report", &["ledger", "storage", "clock", "import", "table"]),
    room("report/sqlite", &["report"]),
    room("ruling", &["auth", "ledger", "registry", "storage", "clock"]),
    room("registry", &["auth", "storage", "clock"]),
    room("campaign", &["auth", "storage", "clock"]),
    room("deadline", &["ledger", "storage", "clock"]),
    room("job", &["storage", "clock"]),
    room("blob", &["storage"]),
    room("photo", &["blob", "hub", "ledger", "lock", "storage", "worker"]),
    room("audit", &["storage"]),
    room("unsent", &["audit", "hub", "photo"]),
    // Pure: the rulebook, and the shape of what storage remembers.
    room("sync/gate", &["worker", "storage"]),
    room("ledger/project", &[]),
    room("report/monthly", &[]),
    // Parses what strangers sent, in a process of its own.
    room("worker", &["table"]),
    room("table", &[]),
    room("import", &["registry", "table"]),
    // Two mirrored stores behind one set of traits; neither sees the other.
    room("storage", &[]),
    room("storage/sqlite", &["storage", "ledger", "registry", "audit"]),
    room("storage/postgres", &["storage", "ledger", "registry", "audit"]),
    room("storage/conformance", &["storage"]),
];

/// Every door used that may not be, and every room without a row.
#[must_use]
pub fn entered(files: &[SourceFile]) -> Vec<Finding> {
    let mut findings = BTreeSet::new();
    for house in HOUSES {
        for file in files.iter().filter(|file| file.has_extension(&["rs"]) && !file.is_test()) {
            let Some(inside) = file.path.strip_prefix(house.src) else { continue };
            let path = inside.trim_end_matches(".rs").trim_end_matches("/mod");
            let Some(from) = room_of(house, path) else {
                findings.insert(Finding::new(
                    file.path.as_str(),
                    0,
                    "is in no room; give it a row in tests/tidy/src/rooms.rs",
                ));
                continue;
            };
            let code = production(&file.text).code;
            for (at, target) in doors(&code) {
                let Some(to) = room_of(house, &target) else { continue };
                let free = from.enters.contains(&"*")
                    || from.enters.contains(&to.name)
                    || is_own(from.name, to.name);
                if !free {
                    let what = format!("`{}` may not enter `{}`, only {:?}", from.name, to.name, from.enters);
                    findings.insert(Finding::new(file.path.as_str(), line_of(&code, at), what));
                }
            }
        }
    }
    findings.into_iter().collect()
}

/// A room may enter itself and what stands below it; a child may not enter its parent unless the table says so.
fn is_own(from: &str, to: &str) -> bool {
    from == to || to.strip_prefix(from).is_some_and(|rest| rest.starts_with('/'))
}

fn room_of<'a>(house: &'a House, path: &str) -> Option<&'a Room> {
    let fits =
        |room: &&Room| path == room.name || path.strip_prefix(room.name).is_some_and(|r| r.starts_with('/'));
    house.rooms.iter().filter(fits).max_by_key(|room| room.name.len())
}

/// Every path behind `crate::`, groups unfolded, as `a/b/c` with the byte it starts at.
fn doors(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, start) in code.match_indices("crate::") {
        // `$crate::` and `my_crate::` are not this crate's root.
        let before = code[..at].chars().next_back();
        if !before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            unfold(&code[at + start.len()..], "", at, &mut found);
        }
    }
    found
}

/// Reads one use path, `a::{b, c::d}` or `a::b`, and returns the rest behind it.
fn unfold<'a>(text: &'a str, prefix: &str, at: usize, found: &mut Vec<(usize, String)>) -> &'a str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        while !rest.trim_start().is_empty() {
            rest = rest.trim_start();
            if let Some(after) = rest.strip_prefix('}') {
                return after;
            }
            rest = unfold(rest, prefix, at, found).trim_start();
            rest = rest.strip_prefix(',').unwrap_or(rest);
        }
        return rest;
    }
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '*')).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if name.is_empty() {
        // Not a path after all; step over one character so that a group always ends.
        return text.char_indices().nth(1).map_or("", |(i, _)| &text[i..]);
    }
    let path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
    if let Some(deeper) = rest.strip_prefix("::") {
        return unfold(deeper, &path, at, found);
    }
    found.push((at, path));
    rest.strip_prefix(" as ")
        .map_or(rest, |alias| alias.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listed;
    use crate::tree::Tree;

    fn found(path: &str, text: &str) -> Vec<String> {
        entered(&[SourceFile::new(path, text)]).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn no_room_of_this_checkout_enters_where_it_may_not() {
        let findings = entered(&Tree::read().texts);
        assert!(findings.is_empty(), "{}", listed(&findings));
    }

    #[test]
    fn http_never_enters_storage() {
        let path = "server/src/http/sync.rs";
        assert!(found(path, "use crate::storage::Ledger;")[0].starts_with("`http` may not enter `storage`"));
        assert_eq!(found(path, "fn a() { crate::storage::commit::Commit::new() }").len(), 1);
        assert_eq!(
            found(path, "use crate::{\n    sync::Gate,\n    storage::{Ledger, commit::Commit},\n};").len(),
            1
        );
        assert_eq!(found(path, "use crate::{auth, sync::{Gate as G, Verdict}};"), Vec::<String>::new());
    }

    #[test]
    fn a_store_decides_nothing_and_a_driver_touches_no_store() {
        let sees = |path: &str, text: &str| found(&format!("client-core/src/{path}"), text).len();
        for decider in ["usecase", "sync", "phone", "view", "driver"] {
            assert_eq!(sees("store/commit.rs", &format!("use crate::{decider}::x;")), 1, "{decider}");
            assert_eq!(sees("store/sqlite/outbox.rs", &format!("use crate::{decider}::x;")), 1, "{decider}");
            assert_eq!(sees("shelf/folder.rs", &format!("use crate::{decider}::x;")), 1, "{decider}");
        }
        assert_eq!(sees("store/sqlite/outbox.rs", "use crate::store::{OutboxRow, commit::Writer};"), 0);
        assert_eq!(sees("shelf/disk.rs", "use crate::store::PhotoRow;"), 1, "the shelf knows no row");
        for kept in ["store", "shelf", "usecase", "view"] {
            assert_eq!(sees("driver/http.rs", &format!("use crate::{kept}::x;")), 1, "{kept}");
        }
        assert_eq!(sees("driver/http.rs", "use crate::{error::Error, phone::Phone, sync::Prepared};"), 0);
        assert_eq!(sees("view.rs", "use crate::usecase::round;"), 1);
        assert_eq!(sees("usecase/fix.rs", "use crate::{phone::Acting, store::Writer, view::FixView};"), 0);
        for room in ["usecase/fix.rs", "sync/prepare.rs"] {
            assert_eq!(sees(room, "use crate::driver::http::Http;"), 1, "{room} waits for nothing");
        }
        assert!(found("client-core/src/gadget.rs", "")[0].contains("is in no room"));
    }

    #[test]
    fn below_the_wire_nobody_knows_that_it_travels_and_a_fold_knows_no_document() {
        let sees = |path: &str, text: &str| found(&format!("schema/src/{path}"), text).len();
        let below = [
            "time.rs",
            "area/table.rs",
            "policy/item.rs",
            "record/check.rs",
            "doc/write.rs",
            "ruling.rs",
            "fold/round.rs",
        ];
        for path in below {
            assert_eq!(sees(path, "use crate::wire::Verdict;"), 1, "{path}");
        }
        assert_eq!(sees("doc/judge.rs", "use crate::wire::Code;"), 0, "verdicts are the judge's to give");
        assert_eq!(sees("unsent.rs", "use crate::wire::Batch;"), 0);
        assert_eq!(sees("fold/hazard.rs", "use crate::doc::Document;"), 1);
        assert_eq!(sees("fold/hazard.rs", "use crate::{record::Body, ruling::Ruling};"), 0);
        assert_eq!(sees("record/check.rs", "use crate::fold::Fact;"), 1);
        assert_eq!(sees("policy/item.rs", "use crate::record::Answer;"), 1, "the campaign is data");
        assert_eq!(sees("time.rs", "use crate::id::HazardId;"), 1);
        assert_eq!(sees("wire/item.rs", "use crate::unsent::Mark;"), 1);
        assert!(found("schema/src/gadget/mod.rs", "")[0].contains("is in no room"));
    }

    #[test]
    fn the_two_stores_never_see_each_other_and_the_traits_see_neither() {
        let sees = |path: &str, text: &str| found(&format!("server/src/storage/{path}"), text).len();
        assert_eq!(sees("sqlite/ledger.rs", "use crate::storage::postgres::open;"), 1);
        assert_eq!(sees("postgres/mod.rs", "use crate::storage::sqlite::open;"), 1);
        assert_eq!(sees("sqlite/ledger.rs", "use crate::storage::{Commit, StorageError};"), 0);
        assert_eq!(sees("sqlite/ledger.rs", "use crate::http::ApiError;"), 1);
        assert_eq!(sees("commit.rs", "use crate::ledger::Row;"), 1);
    }

    #[test]
    fn a_pure_room_enters_nothing_and_its_parent_may_enter_it() {
        assert_eq!(found("server/src/ledger/project.rs", "use crate::storage::Ledger;").len(), 1);
        assert_eq!(found("server/src/ledger/project.rs", "use crate::ledger::Service;").len(), 1);
        assert_eq!(found("server/src/ledger/mod.rs", "use crate::ledger::project::row;").len(), 0);
    }

    #[test]
    fn a_room_without_a_row_is_found_and_the_root_may_enter_all() {
        assert!(found("server/src/gadget/mod.rs", "")[0].contains("is in no room"));
        assert_eq!(
            found("server/src/app.rs", "use crate::{http, storage::sqlite, worker};"),
            Vec::<String>::new()
        );
        assert_eq!(found("server/tests/http.rs", "use crate::anything;"), Vec::<String>::new());
    }

    #[test]
    fn tests_comments_and_texts_open_no_door() {
        let path = "server/src/http/sync.rs";
        let text = "//! See crate::storage::Ledger.\nlet a = \"crate::storage\";\n#[cfg(test)]\nmod tests { use crate::storage::Memory; }";
        assert_eq!(found(path, text), Vec::<String>::new());
    }

    #[test]
    fn groups_are_unfolded_with_aliases_and_stars() {
        let paths: Vec<String> =
            doors("use crate::{a as b, c::{d, e::*}, self};").into_iter().map(|d| d.1).collect();
        assert_eq!(paths, ["a", "c/d", "c/e/*", "self"]);
    }
}
