//! Torture: faults on purpose, and a check that nothing promised was lost.
//!
//! Three instruments over the real cores on real files: a simulated **world** that lives
//! through a seed of link faults, kills, copies, restores and years offline; **power cuts**
//! at every write of a recorded run; **kills** of a child process at every write. None of
//! them needs a hook in the code under test: they stand below SQLite and on the wire.
//!
//! * [`vfs`]: the disk that is watched, killed and cut
//! * [`oracle`]: what was promised to whom
//! * [`world`]: the story of a seed
//! * [`check`]: whether the world is whole
//! * [`cut`]: power cuts of phone and office
//! * [`kill`]: kill points of phone and office

pub mod check;
pub mod cut;
pub mod kill;
pub mod oracle;
pub mod vfs;
pub mod world;
