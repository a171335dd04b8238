//! Reports: what leaders read and what is handed over, made from rows that others have computed.
//!
//! Nothing here computes a figure of its own: the folds stand in `schema`, so console, spreadsheet and phone print the
//! same. Files are written as they grow, in constant memory.

mod building_sheet;
mod hazard_sheet;
mod month;
mod places;
mod refused;
mod round_sheet;
mod sqlite;
pub mod workbook;

pub use building_sheet::BuildingSheet;
pub use hazard_sheet::HazardSheet;
pub use month::month;
pub use places::{BuildingFile, PlacedBuilding};
pub use refused::refused_lines;
pub use round_sheet::RoundSheet;

/// Why a file was not written. Nothing that is stored was touched.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The workbook refused.
    #[error(transparent)]
    Workbook(#[from] workbook::WorkbookError),
    /// The map file refused.
    #[error("could not write the map file")]
    Map(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The disk refused.
    #[error("could not write the file")]
    Io(#[from] std::io::Error),
}
