//! The C side of the watched disk: a VFS that forwards to SQLite's own and asks the
//! [`Disk`] before it writes.
//!
//! The only unsafe code of the workspace, because SQLite's file interface is a table of C
//! functions. It decides nothing. What every function here relies on: SQLite calls it with a
//! file that `open` filled in, from one thread at a time per file, until `close`; and the
//! base VFS is a static of SQLite that is never freed.

use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;
use std::sync::{Arc, OnceLock};

use rusqlite::ffi::{self, sqlite3_file, sqlite3_int64, sqlite3_io_methods, sqlite3_vfs};

use super::disk::Disk;
use super::platter::{Name, Op};

/// A file as SQLite holds it: our head, and behind it the base VFS's own file.
#[repr(C)]
struct Shimmed {
    base: sqlite3_file,
    /// A leaked box until `close`; null for a file nobody watches.
    watch: *mut Watch,
}

struct Watch {
    disk: Disk,
    name: Name,
}

struct Base(*mut sqlite3_vfs);
// SAFETY: the default VFS is a static of SQLite, never freed; its functions may be called from any thread.
unsafe impl Send for Base {}
// SAFETY: as above; nobody writes to it after registration.
unsafe impl Sync for Base {}

static BASE: OnceLock<Base> = OnceLock::new();

/// Puts the shim in front of SQLite's file layer, once per process.
pub(super) fn install() {
    BASE.get_or_init(|| {
        // SAFETY: sqlite3_initialize may be called at any time; sqlite3_vfs_find(NULL) answers
        // the default VFS; the copy registered below is leaked and so lives for ever, as
        // sqlite3_vfs_register demands.
        unsafe {
            ffi::sqlite3_initialize();
            let base = ffi::sqlite3_vfs_find(ptr::null());
            assert!(!base.is_null(), "SQLite has a default VFS");
            // Functions not replaced ignore the VFS they are called with, so a copy may be handed to them.
            let shim = Box::leak(Box::new(*base));
            let head = c_int::try_from(size_of::<Shimmed>()).expect("two pointers");
            shim.iVersion = 2;
            shim.szOsFile = head + (*base).szOsFile;
            shim.pNext = ptr::null_mut();
            shim.zName = c"watched".as_ptr();
            shim.xOpen = Some(open);
            shim.xDelete = Some(delete);
            shim.xAccess = Some(access);
            let registered = ffi::sqlite3_vfs_register(shim, 1);
            assert_eq!(registered, ffi::SQLITE_OK, "SQLite takes the shim");
            Base(base)
        }
    });
}

fn base() -> *mut sqlite3_vfs {
    BASE.get().map_or(ptr::null_mut(), |base| base.0)
}

/// The base VFS's file behind ours.
///
/// # Safety
/// `file` must be one that `open` was given: szOsFile makes SQLite reserve room for both.
unsafe fn real(file: *mut sqlite3_file) -> *mut sqlite3_file {
    // SAFETY: within the allocation, see above; the head is two pointers, so alignment holds.
    unsafe { file.cast::<Shimmed>().add(1).cast() }
}

/// The watch on a file, if there is one.
///
/// # Safety
/// As for [`real`], and not after `close`.
unsafe fn watch<'a>(file: *mut sqlite3_file) -> Option<&'a Watch> {
    // SAFETY: the pointer is null or a box leaked by `open` and freed by `close` only.
    unsafe { (*file.cast::<Shimmed>()).watch.as_ref() }
}

/// Calls a method of the base VFS's file.
macro_rules! forward {
    ($file:expr, $method:ident $(, $arg:expr)*) => {{
        // SAFETY: the base VFS filled in its file and its methods when it was opened; a method
        // that SQLite calls on ours exists there, because our version is not above its own.
        unsafe {
            let file = real($file);
            match (*(*file).pMethods).$method {
                Some(method) => method(file $(, $arg)*),
                None => ffi::SQLITE_IOERR,
            }
        }
    }};
}

/// Lets the disk decide about a write, when the file is watched.
fn guarded(file: *mut sqlite3_file, op: impl FnOnce(Name) -> Op, real: impl FnOnce() -> c_int) -> c_int {
    // SAFETY: only called from the methods below, with their own file.
    match unsafe { watch(file) } {
        Some(watch) => watch.disk.perform(op(Arc::clone(&watch.name)), real),
        None => real(),
    }
}

/// A path of SQLite's as one of ours.
///
/// # Safety
/// `name` must be a string ending in a zero byte, alive for as long as the result.
unsafe fn path_of<'a>(name: *const c_char) -> &'a Path {
    // SAFETY: by contract of this function.
    Path::new(OsStr::from_bytes(unsafe { CStr::from_ptr(name) }.to_bytes()))
}

fn name_of(path: &Path) -> Name {
    path.file_name().unwrap_or_default().to_string_lossy().into()
}

unsafe extern "C" fn open(
    _: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    let shimmed = file.cast::<Shimmed>();
    // SAFETY: SQLite hands over room for szOsFile bytes and a name that is null or a string.
    unsafe {
        (*shimmed).base.pMethods = ptr::null();
        (*shimmed).watch = ptr::null_mut();
        (*real(file)).pMethods = ptr::null();
        let path = if name.is_null() { None } else { Some(path_of(name)) };
        let disk = path.and_then(|path| Some((Disk::of(path)?, path)));
        let call = || match (*base()).xOpen {
            Some(open) => open(base(), name, real(file), flags, out_flags),
            None => ffi::SQLITE_CANTOPEN,
        };
        let answer = match &disk {
            Some((disk, path)) if flags & ffi::SQLITE_OPEN_CREATE != 0 && !path.exists() => {
                let journal = flags & (ffi::SQLITE_OPEN_WAL | ffi::SQLITE_OPEN_MAIN_JOURNAL) != 0;
                disk.perform(Op::Create { file: name_of(path), journal }, call)
            }
            _ => call(),
        };
        if answer == ffi::SQLITE_OK || !(*real(file)).pMethods.is_null() {
            (*shimmed).base.pMethods = &METHODS;
        }
        if answer == ffi::SQLITE_OK
            && let Some((disk, path)) = disk
        {
            (*shimmed).watch = Box::into_raw(Box::new(Watch { name: name_of(path), disk }));
        }
        answer
    }
}

unsafe extern "C" fn delete(_: *mut sqlite3_vfs, name: *const c_char, sync_folder: c_int) -> c_int {
    // SAFETY: SQLite hands over a string; the base VFS has the function.
    unsafe {
        let call = || match (*base()).xDelete {
            Some(delete) => delete(base(), name, sync_folder),
            None => ffi::SQLITE_IOERR_DELETE,
        };
        let path = path_of(name);
        match Disk::of(path) {
            Some(disk) => disk.perform(Op::Delete { file: name_of(path), durable: sync_folder != 0 }, call),
            None => call(),
        }
    }
}

unsafe extern "C" fn access(
    _: *mut sqlite3_vfs,
    name: *const c_char,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: forwarded as it came; the base VFS has the function.
    unsafe { (*base()).xAccess.map_or(ffi::SQLITE_IOERR_ACCESS, |access| access(base(), name, flags, out)) }
}

/// Version 2: shared memory, but no memory-mapped reading, so that every byte written is seen.
static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: the box was leaked by `open` and nobody uses the file after this.
    unsafe {
        let watch = std::mem::replace(&mut (*file.cast::<Shimmed>()).watch, ptr::null_mut());
        if !watch.is_null() {
            drop(Box::from_raw(watch));
        }
    }
    forward!(file, xClose)
}

unsafe extern "C" fn read(file: *mut sqlite3_file, to: *mut c_void, len: c_int, at: sqlite3_int64) -> c_int {
    forward!(file, xRead, to, len, at)
}

unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    from: *const c_void,
    len: c_int,
    at: sqlite3_int64,
) -> c_int {
    let op = |file: Name| {
        let len = usize::try_from(len).unwrap_or(0);
        // SAFETY: SQLite hands over `len` readable bytes.
        let bytes = unsafe { std::slice::from_raw_parts(from.cast::<u8>(), len) }.to_vec();
        Op::Write { file, at: usize::try_from(at).unwrap_or(0), bytes }
    };
    guarded(file, op, || forward!(file, xWrite, from, len, at))
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, len: sqlite3_int64) -> c_int {
    let op = |file| Op::Truncate { file, len: usize::try_from(len).unwrap_or(0) };
    guarded(file, op, || forward!(file, xTruncate, len))
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    guarded(file, |file| Op::Sync { file }, || forward!(file, xSync, flags))
}

unsafe extern "C" fn file_size(file: *mut sqlite3_file, size: *mut sqlite3_int64) -> c_int {
    forward!(file, xFileSize, size)
}

unsafe extern "C" fn lock(file: *mut sqlite3_file, level: c_int) -> c_int {
    forward!(file, xLock, level)
}

unsafe extern "C" fn unlock(file: *mut sqlite3_file, level: c_int) -> c_int {
    forward!(file, xUnlock, level)
}

unsafe extern "C" fn check_reserved_lock(file: *mut sqlite3_file, out: *mut c_int) -> c_int {
    forward!(file, xCheckReservedLock, out)
}

unsafe extern "C" fn file_control(file: *mut sqlite3_file, op: c_int, arg: *mut c_void) -> c_int {
    if op == ffi::SQLITE_FCNTL_PRAGMA {
        // SAFETY: for this operation the argument is three strings: answer, name, value or null.
        unsafe { weaken_pragma(file, arg.cast()) };
    }
    forward!(file, xFileControl, op, arg)
}

/// Turns a pragma such as `synchronous = FULL` into less, in SQLite's own copy of the value: so
/// the store under test runs as if its author had asked for less.
///
/// # Safety
/// `parts` must be the argument of SQLITE_FCNTL_PRAGMA.
unsafe fn weaken_pragma(file: *mut sqlite3_file, parts: *mut *mut c_char) {
    // SAFETY: by contract; the value is a buffer of the parser's own, as long as the value and a zero,
    // and what is written over it is no longer.
    unsafe {
        let (name, value) = (*parts.add(1), *parts.add(2));
        if name.is_null() || value.is_null() {
            return;
        }
        let Some(watch) = watch(file) else { return };
        let (pragma, asked) = (CStr::from_ptr(name).to_bytes(), CStr::from_ptr(value).to_bytes());
        let room = asked.len();
        if let Some(instead) = watch.disk.weaker(pragma, asked) {
            assert!(instead.len() <= room, "a weaker value fits where the stronger one stood");
            let value = value.cast::<u8>();
            ptr::copy_nonoverlapping(instead.as_ptr(), value, instead.len());
            *value.add(instead.len()) = 0;
        }
    }
}

unsafe extern "C" fn sector_size(file: *mut sqlite3_file) -> c_int {
    forward!(file, xSectorSize)
}

unsafe extern "C" fn device_characteristics(file: *mut sqlite3_file) -> c_int {
    forward!(file, xDeviceCharacteristics)
}

unsafe extern "C" fn shm_map(
    file: *mut sqlite3_file,
    page: c_int,
    page_size: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    forward!(file, xShmMap, page, page_size, extend, out)
}

unsafe extern "C" fn shm_lock(file: *mut sqlite3_file, offset: c_int, n: c_int, flags: c_int) -> c_int {
    forward!(file, xShmLock, offset, n, flags)
}

unsafe extern "C" fn shm_barrier(file: *mut sqlite3_file) {
    // SAFETY: as in `forward!`, for the one method without an answer.
    unsafe {
        let file = real(file);
        if let Some(barrier) = (*(*file).pMethods).xShmBarrier {
            barrier(file);
        }
    }
}

unsafe extern "C" fn shm_unmap(file: *mut sqlite3_file, delete: c_int) -> c_int {
    forward!(file, xShmUnmap, delete)
}
