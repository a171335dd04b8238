//! What would be on the disk if the power went now.
//!
//! The model is the pessimistic one that SQLite documents: what a file's `sync` covered is
//! there; a write since may be there, may not, or may be there in some of its 512-byte
//! sectors, and a sector under the head at that instant may hold garbage; a file's name is
//! there once its folder was synced. Bytes beside a write are never damaged (the default VFS
//! promises power-safe overwrite). It decides nothing else.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use kit::dice::Dice;

/// A sector: the most that a disk writes in one piece, in bytes.
pub const SECTOR_BYTES: usize = 512;

/// A file's name within the watched folder.
pub type Name = Arc<str>;

/// The content of a folder.
pub type Files = BTreeMap<Name, Vec<u8>>;

/// One thing done to the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// A file came to be, empty. A journal's first sync takes its folder along.
    Create {
        /// Which.
        file: Name,
        /// Whether it is a rollback journal or a write-ahead log.
        journal: bool,
    },
    /// Bytes were written.
    Write {
        /// Where.
        file: Name,
        /// At this offset.
        at: usize,
        /// What.
        bytes: Vec<u8>,
    },
    /// A file was cut or stretched to a length.
    Truncate {
        /// Which.
        file: Name,
        /// Its length now, in bytes.
        len: usize,
    },
    /// A file was synced.
    Sync {
        /// Which.
        file: Name,
    },
    /// A name was removed.
    Delete {
        /// Which.
        file: Name,
        /// Whether the folder was synced with it.
        durable: bool,
    },
}

impl Op {
    /// What is done to which file, for names of points and for stories.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Create { file, .. } => format!("create {file}"),
            Self::Write { file, .. } => format!("write {file}"),
            Self::Truncate { file, .. } => format!("truncate {file}"),
            Self::Sync { file } => format!("sync {file}"),
            Self::Delete { file, .. } => format!("delete {file}"),
        }
    }
}

/// What becomes of everything not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is gone.
    Dropped,
    /// It all made it.
    Kept,
    /// Some sectors made it, some did not, some came out as garbage, in any combination.
    Torn,
}

/// One sector in so many of a torn write comes out as garbage.
const GARBAGE_ONE_IN: u64 = 12;

/// What becomes of one sector of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sector {
    Old,
    New,
    Garbage,
}

impl Sector {
    fn cast(dice: &mut Dice) -> Self {
        if dice.once_in(GARBAGE_ONE_IN) {
            return Self::Garbage;
        }
        if dice.once_in(2) { Self::New } else { Self::Old }
    }
}

#[derive(Debug, Clone, Default)]
struct Inode {
    durable: Vec<u8>,
    pending: Vec<Pending>,
    /// A journal whose first sync will take the folder along.
    owes_folder: bool,
}

#[derive(Debug, Clone)]
enum Pending {
    Write { at: usize, bytes: Vec<u8> },
    Truncate(usize),
}

/// A folder of files, in memory and on the disk.
#[derive(Debug, Clone, Default)]
pub struct Platter {
    inodes: Vec<Inode>,
    /// Names as a running process sees them.
    cached: BTreeMap<Name, usize>,
    /// Names as the disk has them.
    durable: BTreeMap<Name, usize>,
}

impl Platter {
    /// A folder all of whose files are safely on the disk.
    #[must_use]
    pub fn of(files: Files) -> Self {
        let mut platter = Self::default();
        for (name, content) in files {
            platter.cached.insert(name, platter.inodes.len());
            platter.inodes.push(Inode { durable: content, ..Inode::default() });
        }
        platter.durable = platter.cached.clone();
        platter
    }

    /// Applies what was done. What is done to a name that is not there is ignored, as the
    /// file layer below would have refused it.
    pub fn apply(&mut self, op: &Op) {
        match op {
            Op::Create { file, journal } => {
                self.cached.insert(Arc::clone(file), self.inodes.len());
                self.inodes.push(Inode { owes_folder: *journal, ..Inode::default() });
            }
            Op::Write { file, at, bytes } => {
                self.pend(file, Pending::Write { at: *at, bytes: bytes.clone() });
            }
            Op::Truncate { file, len } => self.pend(file, Pending::Truncate(*len)),
            Op::Sync { file } => self.sync(file),
            Op::Delete { file, durable } => {
                self.cached.remove(file);
                if *durable {
                    self.durable = self.cached.clone();
                }
            }
        }
    }

    fn pend(&mut self, file: &str, pending: Pending) {
        if let Some(inode) = self.cached.get(file) {
            self.inodes[*inode].pending.push(pending);
        }
    }

    fn sync(&mut self, file: &str) {
        let Some(index) = self.cached.get(file) else { return };
        let inode = &mut self.inodes[*index];
        for pending in std::mem::take(&mut inode.pending) {
            pending.onto(&mut inode.durable);
        }
        if std::mem::take(&mut inode.owes_folder) {
            self.durable = self.cached.clone();
        }
    }

    /// What was not synced of a file never comes to the disk, though a running process sees it.
    pub(super) fn forget_unsynced(&mut self, file: &str) {
        if let Some(index) = self.cached.get(file) {
            self.inodes[*index].pending.clear();
        }
    }

    /// The folder after a power cut, everything not synced meeting the same fate.
    #[must_use]
    pub fn after(&self, fate: Fate, dice: &mut Dice) -> Files {
        let names = match fate {
            Fate::Dropped => self.durable.clone(),
            Fate::Kept => self.cached.clone(),
            Fate::Torn => {
                let mut names = if dice.once_in(2) { self.cached.clone() } else { self.durable.clone() };
                // A folder is written in one piece here; a name only one side knows may still go either way.
                for (name, inode) in self.cached.iter().filter(|(name, _)| !self.durable.contains_key(*name))
                {
                    if dice.once_in(2) {
                        names.insert(Arc::clone(name), *inode);
                    }
                }
                names
            }
        };
        names.into_iter().map(|(name, inode)| (name, self.inodes[inode].after(fate, dice))).collect()
    }
}

impl Inode {
    fn after(&self, fate: Fate, dice: &mut Dice) -> Vec<u8> {
        let mut content = self.durable.clone();
        match fate {
            Fate::Dropped => {}
            Fate::Kept => self.pending.iter().for_each(|pending| pending.onto(&mut content)),
            Fate::Torn => self.pending.iter().for_each(|pending| pending.torn_onto(&mut content, dice)),
        }
        content
    }
}

impl Pending {
    fn onto(&self, content: &mut Vec<u8>) {
        match self {
            Self::Truncate(len) => content.resize(*len, 0),
            Self::Write { at, bytes } => put(content, *at, bytes),
        }
    }

    /// Does a part of it, each sector for itself.
    fn torn_onto(&self, content: &mut Vec<u8>, dice: &mut Dice) {
        match self {
            Self::Truncate(len) => {
                if dice.once_in(2) {
                    content.resize(*len, 0);
                }
            }
            Self::Write { at, bytes } => {
                let mut from = 0;
                while from < bytes.len() {
                    let sector = (at + from) / SECTOR_BYTES;
                    let to = ((sector + 1) * SECTOR_BYTES - at).min(bytes.len());
                    match Sector::cast(dice) {
                        Sector::Old => {}
                        Sector::New => put(content, at + from, &bytes[from..to]),
                        Sector::Garbage => {
                            put(content, at + from, &dice.bytes::<SECTOR_BYTES>()[..to - from]);
                        }
                    }
                    from = to;
                }
            }
        }
    }
}

/// Writes as a file is written: beyond its end it grows.
fn put(content: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let end = at + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[at..end].copy_from_slice(bytes);
}

/// The files of a folder; what lies deeper is not looked at, shared memory is left out.
///
/// # Errors
/// When the folder cannot be read.
pub fn read_folder(folder: &Path) -> std::io::Result<Files> {
    let mut files = Files::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_file() && !name.ends_with("-shm") {
            files.insert(name.into(), std::fs::read(entry.path())?);
        }
    }
    Ok(files)
}

/// Makes a folder hold exactly these files.
///
/// # Errors
/// When the folder cannot be emptied or written.
pub fn write_folder(folder: &Path, files: &Files) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            std::fs::remove_file(entry.path())?;
        }
    }
    files.iter().try_for_each(|(name, content)| std::fs::write(folder.join(&**name), content))
}
