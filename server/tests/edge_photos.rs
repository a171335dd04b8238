//! Photos over HTTP on their way up: taken in pieces, kept once, refused with a reason.

mod edge_kit;
mod kit;
mod photo_kit;

use base64ct::{Base64, Encoding};
use edge_kit::house::{Wishes, code, house, house_with};
use louan_photo::Developed;
use louan_schema::id::BlobHash;
use louan_server::photo::PhotoLimits;
use photo_kit::{begin, card, header, metadata, phone, picture, piece, send, tus};
use serde_json::Value;
use sha2::{Digest, Sha256};

#[tokio::test]
async fn a_photo_comes_in_pieces_however_often_it_is_cut() {
    let house = house().await;
    let token = phone(&house, 41).await;
    let photo = picture(1);
    let place = begin(&house, &token, &photo).await;
    let (size, mut offset) = (1 + photo.jpeg.len() / 9, 0);
    for chunk in photo.jpeg.chunks(size) {
        // The piece arrives, its reply is lost: it is sent again from where it began, and again from nowhere.
        let reply = piece(&house, &token, &place, offset, chunk).await;
        assert_eq!(reply.status().as_u16(), 204);
        for wrong in [offset, offset + 1, photo.jpeg.len() + 1] {
            if wrong == offset + chunk.len() {
                continue;
            }
            let again = piece(&house, &token, &place, wrong, chunk).await;
            let told = again.status().as_u16();
            assert!(told == 409 || told == 413, "{told} at {wrong}");
        }
        offset += chunk.len();
        let asked = tus(&house, "HEAD", &place, &token, &[], b"").await;
        assert_eq!(header(&asked, "upload-offset"), offset.to_string());
        assert_eq!(header(&asked, "upload-length"), photo.jpeg.len().to_string());
        assert_eq!(header(&asked, "louan-position").is_empty(), offset < photo.jpeg.len());
    }
    let head = house.hub.head().await.expect("a head").pos;
    // The last reply was lost too.
    let done = piece(&house, &token, &place, photo.jpeg.len(), b"").await;
    assert_eq!((done.status().as_u16(), header(&done, "louan-position")), (204, head.to_string().as_str()));
    // Sent once more as a whole it is kept once, and told at the same position.
    assert_eq!(send(&house, &token, &photo).await, head);
}

#[tokio::test]
async fn what_is_not_the_photo_announced_is_not_kept() {
    let house = house().await;
    let token = phone(&house, 41).await;
    let photo = picture(1);
    let place = begin(&house, &token, &photo).await;
    // A piece that was altered on its way is refused before it is written.
    let with = [
        ("upload-offset", "0".to_owned()),
        ("upload-checksum", format!("sha256 {}", Base64::encode_string(&[7; 32]))),
    ];
    let altered = tus(&house, "PATCH", &place, &token, &with, &photo.jpeg).await;
    assert_eq!((altered.status().as_u16(), code(&altered).as_str()), (460, "checksum_mismatch"));
    // Other bytes under the right name.
    let mut other = photo.jpeg.clone();
    let last = other.len() - 3;
    other[last] ^= 1;
    let reply = piece(&house, &token, &place, 0, &other).await;
    assert_eq!((reply.status().as_u16(), code(&reply).as_str()), (422, "other_bytes"));
    let gone = tus(&house, "HEAD", &place, &token, &[], b"").await;
    assert_eq!(gone.status().as_u16(), 410);
    // What is right by its name and no photo.
    let (format, large, cut, more) = (
        ("unsupported_image", "不是可接收的照片格式"),
        ("image_too_large", "照片尺寸过大"),
        ("truncated", "照片文件不完整，请重新上传；仍不行再重新拍摄。"),
        ("not_plain", "照片文件中夹带了图像以外的内容"),
    );
    for (name, bytes, (wanted, says)) in [
        ("a page", b"<html><script>alert(1)</script></html>".to_vec(), format),
        ("a pixel too wide", wide(), large),
        ("cut in half", photo.jpeg[..photo.jpeg.len() / 2].to_vec(), cut),
        ("a page behind its end", [&photo.jpeg[..], b"<script>alert(1)</script>"].concat(), more),
        ("with a camera's notes", with_notes(&photo.jpeg, 2), more),
        ("with them behind its scan", with_notes(&photo.jpeg, photo.jpeg.len() - 2), more),
    ] {
        let false_name =
            Developed { hash: BlobHash(Sha256::digest(&bytes).into()), jpeg: bytes, ..photo.clone() };
        let place = begin(&house, &token, &false_name).await;
        let reply = piece(&house, &token, &place, 0, &false_name.jpeg).await;
        assert_eq!((reply.status().as_u16(), code(&reply).as_str()), (422, wanted), "{name}");
        let told: Value = serde_json::from_slice(reply.body()).expect("JSON");
        let why = told["errors"][0]["detail"].as_str().unwrap_or_default();
        assert!(why.starts_with(says) && told["errors"][0]["code"] == wanted, "{name}: {told}");
        assert!(!told["detail"].as_str().unwrap_or_default().contains("重新拍摄"), "{name}: {told}");
    }
    let asked = tus(&house, "HEAD", &format!("/api/v1/blobs/{}", photo.hash), &token, &[], b"").await;
    assert_eq!(asked.status().as_u16(), 404, "nothing was kept");
    assert_eq!(send(&house, &token, &photo).await, house.hub.head().await.expect("a head").pos);
}

/// A plain JPEG, wider than a phone makes any.
fn wide() -> Vec<u8> {
    let mut jpeg = Vec::new();
    image::codecs::jpeg::JpegEncoder::new(&mut jpeg)
        .encode(&[90; 2_049 * 8 * 3], 2_049, 8, image::ExtendedColorType::Rgb8)
        .expect("encodes");
    jpeg
}

/// A JPEG with an EXIF segment put in at a place between two segments.
fn with_notes(jpeg: &[u8], at: usize) -> Vec<u8> {
    let notes = b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0";
    let length = u16::try_from(notes.len() + 2).expect("short").to_be_bytes();
    [&jpeg[..at], b"\xff\xe1", &length, notes, &jpeg[at..]].concat()
}

#[tokio::test]
async fn what_one_phone_sends_is_no_other_phones_to_know() {
    let house = house().await;
    let (one, other) = (phone(&house, 41).await, phone(&house, 42).await);
    let photo = picture(1);
    let place = begin(&house, &one, &photo).await;
    for method in ["HEAD", "PATCH", "DELETE"] {
        let with = [("upload-offset", "0".to_owned())];
        let reply = tus(&house, method, &place, &other, &with, b"x").await;
        assert_eq!(reply.status().as_u16(), 404, "{method}");
    }
    piece(&house, &one, &place, 0, &photo.jpeg).await;
    let path = format!("/api/v1/blobs/{}", photo.hash);
    assert_eq!(tus(&house, "HEAD", &path, &one, &[], b"").await.status().as_u16(), 204);
    assert_eq!(tus(&house, "HEAD", &path, &other, &[], b"").await.status().as_u16(), 404, "P09");
    // And a person at the console sends nothing at all.
    let office = house.sign_in(2).await;
    let reply =
        tus(&house, "POST", "/api/v1/uploads", &office, &[("upload-length", "1".to_owned())], b"").await;
    assert_eq!(reply.status().as_u16(), 403);
}

#[tokio::test]
async fn the_protocol_says_what_it_can_and_refuses_what_it_cannot() {
    let house = house().await;
    let token = phone(&house, 41).await;
    let able = tus(&house, "OPTIONS", "/api/v1/uploads", &token, &[], b"").await;
    assert_eq!(
        (able.status().as_u16(), header(&able, "tus-extension")),
        (204, "creation,checksum,termination")
    );
    assert_eq!((header(&able, "tus-version"), header(&able, "tus-checksum-algorithm")), ("1.0.0", "sha256"));
    let photo = picture(1);
    let good = || ("upload-metadata", metadata(photo.hash, "photo", &card(&photo)));
    let length = || ("upload-length", photo.jpeg.len().to_string());
    type Case<'a> = (&'a str, Vec<(&'a str, String)>, u16);
    let table: [Case<'_>; 9] = [
        ("another version", vec![("tus-resumable", "0.2.2".to_owned()), good(), length()], 412),
        ("no length", vec![good()], 422),
        ("no number", vec![good(), ("upload-length", "-5".to_owned())], 422),
        ("no metadata", vec![length()], 422),
        ("no base64", vec![length(), ("upload-metadata", "sha256 !,kind !,card !".to_owned())], 422),
        ("another length", vec![good(), ("upload-length", "5".to_owned())], 422),
        ("nothing", vec![good(), ("upload-length", "0".to_owned())], 422),
        ("too much", vec![good(), ("upload-length", (1_u64 << 40).to_string())], 413),
        (
            "a thumbnail",
            vec![length(), ("upload-metadata", metadata(photo.hash, "thumbnail", &card(&photo)))],
            422,
        ),
    ];
    for (name, with, status) in table {
        let reply = tus(&house, "POST", "/api/v1/uploads", &token, &with, b"").await;
        assert_eq!(reply.status().as_u16(), status, "{name}");
        assert_eq!(header(&reply, "tus-resumable"), "1.0.0", "{name}");
    }
    let place = begin(&house, &token, &photo).await;
    let given_up = tus(&house, "DELETE", &place, &token, &[], b"").await;
    assert_eq!(given_up.status().as_u16(), 204);
    assert_eq!(piece(&house, &token, &place, 0, &photo.jpeg).await.status().as_u16(), 410);
}

#[tokio::test]
async fn under_a_mount_an_upload_is_where_a_stranger_to_mounts_finds_it() {
    let house = house_with(Wishes { base_path: "/louan".to_owned(), ..Wishes::default() }).await;
    let token = phone(&house, 41).await;
    let photo = picture(1);
    let place = begin(&house, &token, &photo).await;
    let inner = place.strip_prefix("/louan").expect("the mount");
    assert_eq!(piece(&house, &token, inner, 0, &photo.jpeg).await.status().as_u16(), 204);
}

#[tokio::test]
async fn a_device_has_its_share_of_the_day() {
    let limits = PhotoLimits { photos_per_day: 3, bytes_per_day: 1 << 20 };
    let house = house_with(Wishes { photos: Some(limits), ..Wishes::default() }).await;
    let token = phone(&house, 41).await;
    for seed in 1..=3 {
        send(&house, &token, &picture(seed)).await;
    }
    let photo = picture(4);
    let with = [
        ("upload-length", photo.jpeg.len().to_string()),
        ("upload-metadata", metadata(photo.hash, "photo", &card(&photo))),
    ];
    let reply = tus(&house, "POST", "/api/v1/uploads", &token, &with, b"").await;
    assert_eq!((reply.status().as_u16(), code(&reply).as_str()), (507, "quota"));
    let other = phone(&house, 42).await;
    assert_ne!(send(&house, &other, &photo).await, 0, "another device has its own");
}
