//! SQLite's files in the origin's private file system.
//!
//! The pool takes every access handle at once and holds them: a second page that tries
//! fails, it does not share. Who may try is settled before, by a lock (`js/owner.js`).

use louan_facade::Place;
use sqlite_wasm_rs::WasmOsCallback;
use sqlite_wasm_vfs::sahpool::{OpfsSAHError, OpfsSAHPoolCfgBuilder, OpfsSAHPoolUtil, install};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::convert::bug;

/// The name under which SQLite knows the pool.
const VFS: &str = "louan-opfs";
/// Files the pool can hold before it grows: a store and its photos, each with its journal, for two people's phones and
/// damaged ones put aside.
const CAPACITY: usize = 16;

/// Makes the pool ready and says where a store of that name lies in it.
pub(crate) async fn place(name: String) -> Result<Place, JsValue> {
    let pool = pool().await.map_err(refused)?;
    pool.resume().await.map_err(refused)?;
    pool.ensure_capacity(CAPACITY).await.map_err(refused)?;
    Ok(Place::Named { vfs: VFS.to_owned(), name })
}

/// Gives every file handle back, so that another page can take the stores; all of them must be closed.
#[wasm_bindgen(js_name = leaveStores)]
pub async fn leave_stores() -> Result<(), JsValue> {
    pool().await.and_then(|pool| pool.pause()).map_err(refused)
}

/// The one pool of this worker, made on first use.
async fn pool() -> Result<OpfsSAHPoolUtil, OpfsSAHError> {
    let options =
        OpfsSAHPoolCfgBuilder::new().vfs_name(VFS).directory(".louan").initial_capacity(CAPACITY).build();
    install::<WasmOsCallback>(&options, false).await
}

fn refused(error: OpfsSAHError) -> JsValue {
    bug(format!("the browser's private file system cannot be used; nothing was changed: {error}"))
}
