//! Photos that claim too much (P01), hashes that open nothing (P08, P09), names that lead nowhere (P11), pieces in any
//! order (P13).

use std::path::{Path, PathBuf};

use base64ct::{Base64, Encoding};
use louan_photo::Developed;
use louan_schema::id::BlobHash;
use louan_schema::photo::PhotoCard;
use louan_server::worker::{Examine, Look, PictureKind, Pool, Unfit};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::edge_kit::house::{House, code, house, request};
use super::edge_kit::person_id;
use super::photo_kit::{
    begin, card, cited, enrolled, get, header, metadata, phone, picture, piece, send, tus,
};

fn hash(bytes: &[u8]) -> BlobHash {
    BlobHash(Sha256::digest(bytes).into())
}

/// A photo whose frame claims another size.
fn claiming(photo: &Developed, width: u16, height: u16) -> Vec<u8> {
    let mut file = photo.jpeg.clone();
    let frame = file.windows(2).position(|bytes| bytes == [0xff, 0xc0]).expect("a frame");
    file[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
    file[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
    file
}

/// A lossless WebP of 40 bytes that claims 16,383².
fn webp() -> Vec<u8> {
    let bits = 16_382_u32 | 16_382 << 14;
    let body = [&[0x2f][..], &bits.to_le_bytes(), &[0x55; 21]].concat();
    let size = |n: usize| u32::try_from(n).expect("small").to_le_bytes();
    let chunk = [b"VP8L".as_slice(), &size(body.len()), &body].concat();
    [b"RIFF".as_slice(), &size(4 + chunk.len()), b"WEBP", &chunk].concat()
}

/// Announces a file as an original and sends it; status and code.
async fn send_original(house: &House, token: &str, file: &[u8]) -> (u16, String) {
    let photo = picture(1);
    let mut said = card(&photo);
    (said.original.hash, said.original.bytes) = (hash(file), u32::try_from(file.len()).expect("small"));
    let with = [
        ("upload-length", file.len().to_string()),
        ("upload-metadata", metadata(said.original.hash, "original", &said)),
    ];
    let begun = tus(house, "POST", "/api/v1/uploads", token, &with, b"").await;
    assert_eq!(begun.status().as_u16(), 201, "{begun:?}");
    let reply = piece(house, token, header(&begun, "location"), 0, file).await;
    (reply.status().as_u16(), code(&reply))
}

#[tokio::test]
async fn a_small_file_that_claims_gigabytes_is_refused_by_the_server_and_by_its_worker() {
    let house = house().await;
    let token = phone(&house, 41).await;
    let photo = picture(1);
    let pool = Pool::new(PathBuf::from(env!("CARGO_BIN_EXE_louan")), 1);
    for (name, file) in [
        ("a jpeg of 65,535²", claiming(&photo, 65_535, 65_535)),
        ("a jpeg of 12,001 × 1", claiming(&photo, 12_001, 1)),
        ("a webp of 16,383²", webp()),
    ] {
        assert!(file.len() < 200_000, "{name} is small: {}", file.len());
        assert_eq!(send_original(&house, &token, &file).await, (422, "image_too_large".to_owned()), "{name}");
        let path = house.folder.path().join("bomb");
        std::fs::write(&path, &file).expect("writes");
        let look = Look { path, bytes: file.len() as u64, kind: PictureKind::Original };
        assert_eq!(pool.examine(look).await, Ok(Err(Unfit::ImageTooLarge)), "{name}");
    }
    // And the next honest one is kept.
    assert_ne!(send(&house, &token, &photo).await, 0);
}

#[tokio::test]
async fn whether_a_photo_is_here_shows_in_no_answer_to_a_device_that_has_not_sent_it() {
    let house = house().await;
    let (one, other) = (phone(&house, 41).await, phone(&house, 42).await);
    let (here, never) = (picture(1), picture(2));
    send(&house, &one, &here).await;
    let mut told = Vec::new();
    for photo in [&here, &never] {
        let place = begin(&house, &other, photo).await;
        let mut said = Vec::new();
        for (method, path, with) in [
            ("HEAD", place.clone(), vec![]),
            ("PATCH", place.clone(), vec![("upload-offset", "0".to_owned())]),
            ("PATCH", place.clone(), vec![("upload-offset", photo.jpeg.len().to_string())]),
            ("HEAD", format!("/api/v1/blobs/{}", photo.hash), vec![]),
            ("HEAD", place.clone(), vec![]),
        ] {
            let reply = tus(&house, method, &path, &other, &with, b"").await;
            let fields = ["upload-offset", "louan-position"].map(|name| header(&reply, name).to_owned());
            said.push((method, reply.status().as_u16(), fields));
        }
        told.push(said);
    }
    assert_eq!(told[0], told[1], "what another device has sent looks like what never was");
    // With the bytes it is told, like any device.
    assert_ne!(send(&house, &other, &here).await, 0);
}

/// Every file and folder below a folder.
fn everything(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(everything(&path));
        }
        found.push(path);
    }
    found
}

/// Names that lead elsewhere, or nearly are a photo's.
fn names(hash: &str) -> Vec<String> {
    let strange = [
        "..",
        "../secret",
        "..%2fsecret",
        "%2e%2e%2fsecret",
        "..%5csecret",
        "..\\secret",
        "%00",
        "secret%00.jpg",
        "....//secret",
        "%252e%252e%252fsecret",
        "%c0%ae%c0%ae%c0%afsecret",
        "con",
        "~",
        "*",
    ];
    let mut names: Vec<String> = strange.map(str::to_owned).into();
    names.extend(["/../../secret", "%00", ".jpg"].map(|end| format!("{hash}{end}")));
    names.extend([
        hash.to_uppercase(),
        hash[..63].to_owned(),
        format!("0x{}", &hash[2..]),
        hash[..2].to_owned(),
    ]);
    names
}

#[tokio::test]
async fn no_name_leads_out_of_the_folder_of_photos() {
    let house = house().await;
    let token = phone(&house, 41).await;
    let photo = picture(1);
    send(&house, &token, &photo).await;
    cited(&house, vec![photo.hash]).await;
    let street = house.sign_in(1).await;
    std::fs::write(house.folder.path().join("secret"), "a pepper").expect("writes");
    let before = everything(house.folder.path());
    let hash = photo.hash.to_string();
    for name in &names(&hash) {
        for path in [
            "/api/v1/photos/{}",
            "/api/v1/photos/{}/thumbnail",
            "/api/v1/photos/{}/alike",
            "/api/v1/hazards/{}/photos",
        ] {
            let path = path.replace("{}", name);
            if path.parse::<http::Uri>().is_err() {
                continue;
            }
            assert_eq!(get(&house, &path, &street).await.status().as_u16(), 404, "{path}");
        }
        for (method, path) in
            [("HEAD", "/api/v1/uploads/{}"), ("DELETE", "/api/v1/uploads/{}"), ("HEAD", "/api/v1/blobs/{}")]
        {
            let path = path.replace("{}", name);
            if path.parse::<http::Uri>().is_ok() {
                assert_eq!(
                    tus(&house, method, &path, &token, &[], b"").await.status().as_u16(),
                    404,
                    "{path}"
                );
            }
        }
        // A name beside the hash is no business of ours, a name instead of it is none.
        let b64 = Base64::encode_string(name.as_bytes());
        let named = format!("{},filename {b64},name {b64}", metadata(photo.hash, "photo", &card(&photo)));
        let instead = metadata(photo.hash, "photo", &card(&photo)).replacen(
            &Base64::encode_string(hash.as_bytes()),
            &b64,
            1,
        );
        for (metadata, allowed) in [(named, &[201, 422][..]), (instead, &[422][..])] {
            let with = [("upload-length", photo.jpeg.len().to_string()), ("upload-metadata", metadata)];
            let reply = tus(&house, "POST", "/api/v1/uploads", &token, &with, b"").await;
            assert!(allowed.contains(&reply.status().as_u16()), "{name}: {reply:?}");
            house.hands.advance_ms(2_000);
        }
    }
    assert_eq!(everything(house.folder.path()), before, "no file came to be, and none went");
}

#[tokio::test]
async fn an_original_is_handed_out_under_a_name_of_ours() {
    let house = house().await;
    let (token, _) = enrolled(&house, 41, person_id(4)).await;
    let file = picture(3).jpeg;
    let mut said: PhotoCard = card(&picture(1));
    (said.original.hash, said.original.bytes) = (hash(&file), u32::try_from(file.len()).expect("small"));
    let named = format!(
        "{},filename {}",
        metadata(hash(&file), "original", &said),
        Base64::encode_string(b"../../x\r\nSet-Cookie: a")
    );
    let with = [("upload-length", file.len().to_string()), ("upload-metadata", named)];
    let begun = tus(&house, "POST", "/api/v1/uploads", &token, &with, b"").await;
    let place = header(&begun, "location").to_owned();
    if begun.status().as_u16() == 201 {
        assert_eq!(piece(&house, &token, &place, 0, &file).await.status().as_u16(), 204);
    } else {
        assert_eq!(send_original(&house, &token, &file).await.0, 204);
    }
    cited(&house, vec![said.hash]).await;
    let street = house.sign_in(1).await;
    let shown = request("GET", &format!("/api/v1/photos/{}", hash(&file)), 1)
        .header("authorization", format!("Bearer {street}"))
        .reply(&house.routes)
        .await;
    assert_eq!(shown.status().as_u16(), 200);
    let disposition = header(&shown, "content-disposition");
    assert!(
        disposition.starts_with("attachment")
            && !disposition.contains(['/', '\\', '\r'])
            && !disposition.contains(".."),
        "{disposition}"
    );
    assert!(shown.headers().get("set-cookie").is_none());
}

/// What the server must answer to a piece, and how many bytes it has then.
fn expected(have: usize, all: usize, at: usize, length: usize) -> (u16, usize) {
    match (at, at + length) {
        (at, _) if have == all => (if at == all && length == 0 { 204 } else { 0 }, have),
        (_, end) if end > all => (413, have),
        (at, _) if at != have => (409, have),
        (_, end) => (204, end),
    }
}

/// Sends pieces that begin anywhere and have any length, then the rest; the photo is the photo.
async fn in_any_order(pieces: Vec<(usize, usize)>) {
    let house = house().await;
    let token = phone(&house, 41).await;
    let photo = picture(1);
    let all = photo.jpeg.len();
    let place = begin(&house, &token, &photo).await;
    let mut have = 0;
    for (at, length) in pieces {
        // Half of them begin where the server stands, or near by.
        let at = if at % 2 == 0 { have } else { at % (all + 3) };
        let bytes: Vec<u8> =
            photo.jpeg.iter().copied().chain(std::iter::repeat(7)).skip(at).take(length).collect();
        let (status, after) = expected(have, all, at, length);
        let reply = piece(&house, &token, &place, at, &bytes).await;
        let told = reply.status().as_u16();
        assert!(
            status == 0 && told >= 400 || told == status,
            "{told} and not {status} at {at} + {length} of {have}/{all}"
        );
        if told == 409 {
            assert_eq!(header(&reply, "upload-offset"), have.to_string(), "the true offset");
        }
        have = after;
        let asked = tus(&house, "HEAD", &place, &token, &[], b"").await;
        assert_eq!(header(&asked, "upload-offset"), have.to_string());
    }
    if have < all {
        assert_eq!(piece(&house, &token, &place, have, &photo.jpeg[have..]).await.status().as_u16(), 204);
    }
    cited(&house, vec![photo.hash]).await;
    let street = house.sign_in(1).await;
    let shown = get(&house, &format!("/api/v1/photos/{}", photo.hash), &street).await;
    assert_eq!(shown.body().as_ref(), photo.jpeg.as_slice());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pieces_with_gaps_and_overlaps_and_beyond_the_end_leave_the_photo_whole(
        pieces in prop::collection::vec((0_usize..40_000, 0_usize..9_000), 1..12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(in_any_order(pieces));
    }
}
