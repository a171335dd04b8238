//! Stories across phones and server; one module a story, one binary for all.

mod a_flooded_sheet;
mod a_stranger_in_between;
mod one_inspection_to_the_months_figures;
mod two_buildings_one_round;
mod two_inspectors_one_building;
mod work_carried_by_hand;
mod work_stopped_and_reported;

/// Runs a story to its end on one thread: what a story says happens in the order it says it.
pub fn story(future: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(future);
}
