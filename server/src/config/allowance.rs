//! How often one may ask, as values so that a test can make them small.
//!
//! Whoever meets one of these is told when to come again (429); what he holds is not touched. The reasons stand with the
//! defaults; where a figure is another than first designed, `schema/docs/adr/0024-how-often.md` says why.

/// How often a person or a device may ask (请求频次), beside what it may bring in a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowances {
    /// Sync requests of one device in a minute.
    pub sync_per_minute: u32,
    /// Photos a device may begin to send in a minute; the thumbnail and the original of each are not counted beside it.
    pub photos_per_minute: u32,
    /// Photos a device may begin to send at once, after it has sent none for a while.
    pub photos_at_once: u32,
    /// Commands of one person in a minute.
    pub commands_per_minute: u32,
    /// Pages of ledgers and figures one person may read in a minute, lists of photos among them; of lists of photos, one
    /// device as many.
    pub reads_per_minute: u32,
    /// Pictures, large or small, one person or device may look at in a minute.
    pub pictures_per_minute: u32,
    /// Steps of imports one person may take in an hour: a list sent, entered, taken back, its errors fetched.
    pub imports_per_hour: u32,
    /// Parts of phones' files of unsent data one person may bring in a minute.
    pub parts_per_minute: u32,
    /// Ledgers a person may take out as files in an hour.
    pub exports_per_hour: u32,
}

impl Default for Allowances {
    fn default() -> Self {
        Self {
            sync_per_minute: 60,
            // Nobody photographs more in a minute; what a basement kept back goes up at the same pace, in the background.
            photos_per_minute: 10,
            // A round of sixteen items with three photos each comes out of a basement and is sent without a pause.
            photos_at_once: 48,
            // One a second: faster than anybody can read what he confirms.
            commands_per_minute: 60,
            // A screen asks for three or four at once, and somebody turns pages: two a second. At 500 lines a page the
            // district's whole ledger is a quarter of an hour's work and leaves a trace in the log.
            reads_per_minute: 120,
            // A page of a console shows some fifty thumbnails: twelve pages a minute. A stolen token that takes out all
            // pictures of a year needs hours for it and leaves a trace in the log.
            pictures_per_minute: 600,
            // A list takes four: sent, its errors fetched, sent again, entered. Fifteen lists an hour.
            imports_per_hour: 60,
            // A photo is a part: a file with the five hundred of a day is read in within ten minutes. As steps of imports
            // they would take eight hours.
            parts_per_minute: 60,
            // A ledger is needed once for a report; five are every kind there is.
            exports_per_hour: 5,
        }
    }
}
