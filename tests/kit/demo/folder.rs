//! The demonstration's folder: made anew for every run, and nobody else's.
//!
//! Only a folder that carries the demonstration's mark is ever emptied, and only while no
//! other demonstration holds the mark. Nothing outside of it is touched.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::{Step, Trouble};

/// The file that says whose the folder is; held locked while a demonstration runs.
const MARK: &str = "louan-demo";
const ELSEWHERE: &str = "没有改动任何文件。请用 --folder 另选一个可写的空文件夹。";

/// A folder held by this run.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    _mark: File,
}

/// Whether something was there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cleared {
    /// Nothing was there.
    Fresh,
    /// An earlier demonstration's data; it is gone now.
    Earlier,
}

impl Folder {
    /// Takes `path`, emptied of what an earlier demonstration left.
    ///
    /// # Errors
    /// [`Trouble`] when it cannot be written, belongs to somebody else, or another
    /// demonstration is running in it.
    pub fn take(path: &Path) -> Step<(Self, Cleared)> {
        let shown = path.display();
        let unwritable = |e: io::Error| Trouble::new(format!("不能使用文件夹 {shown}：{e}"), ELSEWHERE);
        fs::create_dir_all(path).map_err(unwritable)?;
        let marked = path.join(MARK).exists();
        let empty = fs::read_dir(path).map_err(unwritable)?.next().is_none();
        if !marked && !empty {
            let what = format!("文件夹 {shown} 里有别的文件，不像是演示留下的");
            return Err(Trouble::new(what, ELSEWHERE));
        }
        let mark = File::options().create(true).truncate(false).write(true).open(path.join(MARK));
        let mark = mark.map_err(unwritable)?;
        match mark.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let what = format!("另一个演示正在使用文件夹 {shown}");
                return Err(Trouble::new(
                    what,
                    "没有改动任何文件。请先结束那个演示，或用 --folder 另选文件夹。",
                ));
            }
            Err(TryLockError::Error(e)) => return Err(unwritable(e)),
        }
        for entry in fs::read_dir(path).map_err(unwritable)? {
            let entry = entry.map_err(unwritable)?;
            if entry.file_name() == MARK {
                continue;
            }
            let kind = entry.file_type().map_err(unwritable)?;
            let gone =
                if kind.is_dir() { fs::remove_dir_all(entry.path()) } else { fs::remove_file(entry.path()) };
            gone.map_err(unwritable)?;
        }
        let cleared = if marked { Cleared::Earlier } else { Cleared::Fresh };
        Ok((Self { path: path.to_owned(), _mark: mark }, cleared))
    }

    /// A place in the folder.
    #[must_use]
    pub fn at(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Makes a folder inside.
    ///
    /// # Errors
    /// [`Trouble`] when it cannot be made.
    pub fn inner(&self, name: &str) -> Step<PathBuf> {
        let path = self.at(name);
        fs::create_dir_all(&path)
            .map_err(|e| Trouble::new(format!("不能建立文件夹 {}：{e}", path.display()), ELSEWHERE))?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_earlier_run_left_is_gone_and_said() {
        let outer = tempfile::tempdir().expect("a folder");
        let path = outer.path().join("demo");
        let (folder, cleared) = Folder::take(&path).expect("a fresh folder");
        assert_eq!(cleared, Cleared::Fresh);
        fs::write(folder.at("old.sqlite"), "old").expect("a file");
        fs::write(folder.inner("phones").expect("a folder").join("1.sqlite"), "old").expect("a file");
        drop(folder);
        let (folder, cleared) = Folder::take(&path).expect("the same folder");
        assert_eq!(cleared, Cleared::Earlier);
        assert!(!folder.at("old.sqlite").exists() && !folder.at("phones").exists());
    }

    #[test]
    fn a_folder_of_somebody_else_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("letter.txt"), "dear").expect("a file");
        let trouble = Folder::take(folder.path()).expect_err("not ours");
        assert!(trouble.what.contains("别的文件"), "{trouble}");
        assert!(folder.path().join("letter.txt").exists() && !folder.path().join(MARK).exists());
    }

    #[test]
    fn two_runs_never_share_a_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let (first, _) = Folder::take(folder.path()).expect("an empty folder");
        fs::write(first.at("server.sqlite"), "in use").expect("a file");
        let trouble = Folder::take(folder.path()).expect_err("held");
        assert!(trouble.what.contains("另一个演示"), "{trouble}");
        assert!(first.at("server.sqlite").exists());
    }

    #[test]
    fn a_place_that_cannot_be_a_folder_is_told_with_what_to_do() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("file"), "").expect("a file");
        let trouble = Folder::take(&folder.path().join("file").join("demo")).expect_err("no folder");
        assert!(trouble.next.contains("--folder"), "{trouble}");
    }
}
