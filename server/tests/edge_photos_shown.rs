//! Photos shown over HTTP: to who sees the compound and to nobody else; what is broken, what is alike, what is erased.

mod edge_kit;
mod kit;
mod photo_kit;

use bytes::Bytes;
use edge_kit::house::{code, house, request};
use edge_kit::{audit, noon, person_id};
use http::Response;
use image::ImageFormat;
use louan_photo::develop;
use louan_schema::photo::PhotoCard;
use louan_server::hub::Clocks;
use photo_kit::{begin, card, cited, get, header, metadata, phone, picture, piece, send, tus};
use serde_json::{Value, json as value};

#[tokio::test]
async fn a_photo_is_shown_to_who_sees_its_compound_and_a_hash_opens_nothing() {
    let house = house().await;
    let token = phone(&house, 41).await;
    let (photo, stray, awaited) = (picture(1), picture(2), picture(3));
    send(&house, &token, &photo).await;
    send(&house, &token, &stray).await;
    let hazard = cited(&house, vec![photo.hash, awaited.hash]).await;
    let (street, operator) = (house.sign_in(1).await, house.sign_in(5).await);
    let path = format!("/api/v1/photos/{}", photo.hash);
    let shown = get(&house, &path, &street).await;
    assert_eq!((shown.status().as_u16(), shown.body().as_ref()), (200, photo.jpeg.as_slice()));
    for (name, value) in [
        ("content-type", "image/jpeg"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "sandbox; default-src 'none'; frame-ancestors 'none'"),
        ("cache-control", "private, no-cache"),
    ] {
        assert_eq!(header(&shown, name), value);
    }
    let known = request("GET", &path, 1)
        .header("authorization", format!("Bearer {street}"))
        .header("if-none-match", header(&shown, "etag"))
        .reply(&house.routes)
        .await;
    assert_eq!((known.status().as_u16(), known.body().len()), (304, 0));
    let small = get(&house, &format!("{path}/thumbnail"), &street).await;
    let small = image::load_from_memory(small.body()).expect("a picture");
    assert!(small.width() <= 320 && small.height() <= 320);
    // The company's phone sees it too; who does not see the compound learns nothing, and a stray one is nobody's.
    assert_eq!(get(&house, &path, &token).await.status().as_u16(), 200);
    let (nothing, stray) =
        (format!("/api/v1/photos/{}", awaited.hash), format!("/api/v1/photos/{}", stray.hash));
    let absent = get(&house, &nothing, &street).await;
    for (path, token) in [(&path, &operator), (&stray, &street), (&stray, &token)] {
        let reply = get(&house, path, token).await;
        let status = reply.status().as_u16();
        assert!(status == 404 || (status == 403 && token == &operator), "{status} {path}");
        if status == 404 {
            assert_eq!(code(&reply), code(&absent));
        }
    }
    let list = get(&house, &format!("/api/v1/hazards/{hazard}/photos"), &street).await;
    let list: Value = serde_json::from_slice(list.body()).expect("JSON");
    assert_eq!(list["missing"], 1, "the record is not complete yet");
    let here: Vec<_> =
        list["photos"].as_array().expect("rows").iter().map(|row| row["here"].clone()).collect();
    assert_eq!(here, [value!(true), value!(false)]);
    assert_eq!(list["photos"][0]["said"]["on_site"], "no_position");
    assert!(list["photos"][0]["said"].get("position").is_none(), "where somebody was is not for lists");
}

#[tokio::test]
async fn until_a_photo_is_here_the_thumbnail_that_came_first_is_shown() {
    let house = house().await;
    let token = phone(&house, 41).await;
    let photo = picture(1);
    let small = &photo.thumbnail;
    let card = PhotoCard { thumbnail: Some(small.hash), ..card(&photo) };
    let with = [
        ("upload-length", small.jpeg.len().to_string()),
        ("upload-metadata", metadata(small.hash, "thumbnail", &card)),
    ];
    let reply = tus(&house, "POST", "/api/v1/uploads", &token, &with, b"").await;
    let place = header(&reply, "location").to_owned();
    assert_eq!(piece(&house, &token, &place, 0, &small.jpeg).await.status().as_u16(), 204);
    cited(&house, vec![photo.hash]).await;
    let street = house.sign_in(1).await;
    let path = format!("/api/v1/photos/{}", photo.hash);
    let shown = get(&house, &format!("{path}/thumbnail"), &street).await;
    assert_eq!((shown.status().as_u16(), shown.body().as_ref()), (200, small.jpeg.as_slice()));
    assert_eq!(get(&house, &path, &street).await.status().as_u16(), 404);
    send(&house, &token, &photo).await;
    assert_eq!(get(&house, &path, &street).await.status().as_u16(), 200);
    assert_eq!(get(&house, &format!("{path}/thumbnail"), &street).await.status().as_u16(), 200);
}

#[tokio::test]
async fn pictures_that_look_alike_are_a_hint_to_who_sees_both() {
    let house = house().await;
    let token = phone(&house, 41).await;
    let (photo, different) = (picture(1), picture(90));
    // The same picture, taken out of the gallery and saved again.
    let pixels = image::load_from_memory(&photo.jpeg).expect("a picture");
    let mut png = std::io::Cursor::new(Vec::new());
    pixels
        .resize_exact(380, 285, image::imageops::FilterType::Triangle)
        .write_to(&mut png, ImageFormat::Png)
        .expect("writes");
    let again = develop(png.get_ref(), None).expect("a picture");
    assert_ne!(again.hash, photo.hash);
    for photo in [&photo, &again, &different] {
        send(&house, &token, photo).await;
    }
    cited(&house, vec![photo.hash, again.hash, different.hash]).await;
    let street = house.sign_in(1).await;
    let alike = get(&house, &format!("/api/v1/photos/{}/alike", photo.hash), &street).await;
    let alike: Value = serde_json::from_slice(alike.body()).expect("JSON");
    let found: Vec<&str> =
        alike.as_array().expect("rows").iter().filter_map(|row| row["hash"].as_str()).collect();
    assert_eq!(found, [photo.hash.to_string(), again.hash.to_string()]);
}

#[tokio::test]
async fn an_original_is_handed_out_as_a_file_and_leaves_a_line_in_the_audit() {
    let house = house().await;
    let token = phone(&house, 41).await;
    let photo = picture(1);
    // What it was developed from: here a PNG.
    let pixels = image::load_from_memory(&photo.jpeg).expect("a picture");
    let mut png = std::io::Cursor::new(Vec::new());
    pixels.write_to(&mut png, ImageFormat::Png).expect("writes");
    let developed = develop(png.get_ref(), None).expect("a picture");
    send(&house, &token, &developed).await;
    let with = [
        ("upload-length", png.get_ref().len().to_string()),
        ("upload-metadata", metadata(developed.original.hash, "original", &card(&developed))),
    ];
    let reply = tus(&house, "POST", "/api/v1/uploads", &token, &with, b"").await;
    let place = header(&reply, "location").to_owned();
    assert_eq!(piece(&house, &token, &place, 0, png.get_ref()).await.status().as_u16(), 204);
    cited(&house, vec![developed.hash]).await;
    let street = house.sign_in(1).await;
    let path = format!("/api/v1/photos/{}", developed.original.hash);
    let shown = get(&house, &path, &street).await;
    assert_eq!((shown.status().as_u16(), shown.body().as_ref()), (200, png.get_ref().as_slice()));
    assert_eq!(header(&shown, "content-type"), "application/octet-stream");
    assert!(header(&shown, "content-disposition").starts_with("attachment"));
    assert!(audit(&house.store).await.contains(&("read_original".to_owned(), "read".to_owned())));
    assert_eq!(get(&house, &path, &token).await.status().as_u16(), 403, "a phone does not fetch it");
}

#[tokio::test]
async fn the_nightly_look_finds_what_is_broken_and_clears_what_nobody_finishes() {
    let house = house().await;
    let token = phone(&house, 41).await;
    let (photo, half) = (picture(1), picture(2));
    send(&house, &token, &photo).await;
    let hazard = cited(&house, vec![photo.hash]).await;
    let place = begin(&house, &token, &half).await;
    piece(&house, &token, &place, 0, &half.jpeg[..100]).await;
    let swept = house.photos.sweep(noon()).await.expect("looks");
    assert_eq!((swept.photos, swept.broken, swept.uploads), (1, 0, 0), "what is under way is left alone");

    let name = photo.hash.to_string();
    let file = house.folder.path().join("photos").join(&name[..2]).join(&name);
    std::fs::write(&file, b"rot").expect("spoils it");
    let later = noon().plus_ms(25 * 3_600_000);
    let swept = house.photos.sweep(later).await.expect("looks");
    assert_eq!((swept.photos, swept.broken, swept.uploads), (1, 1, 1));
    let street = house.sign_in(1).await;
    let list = get(&house, &format!("/api/v1/hazards/{hazard}/photos"), &street).await;
    let list: Value = serde_json::from_slice(list.body()).expect("JSON");
    assert_eq!(list["photos"][0]["broken"], true);
    // The phone that still has it is not told that it is here, sends it again, and it is whole.
    let path = format!("/api/v1/blobs/{}", photo.hash);
    assert_eq!(tus(&house, "HEAD", &path, &token, &[], b"").await.status().as_u16(), 404);
    send(&house, &token, &photo).await;
    let swept = house.photos.sweep(later).await.expect("looks");
    assert_eq!((swept.broken, swept.mended), (0, 0));
    assert_eq!(tus(&house, "HEAD", &place, &token, &[], b"").await.status().as_u16(), 410);
}

#[tokio::test]
async fn what_a_person_said_about_photos_goes_with_him() {
    let house = house().await;
    let token = phone(&house, 41).await;
    let photo = picture(1);
    send(&house, &token, &photo).await;
    let hazard = cited(&house, vec![photo.hash]).await;
    let street = house.sign_in(1).await;
    let path = format!("/api/v1/hazards/{hazard}/photos");
    let said = |reply: Response<Bytes>| {
        let list: Value = serde_json::from_slice(reply.body()).expect("JSON");
        (list["photos"][0]["here"].clone(), list["photos"][0].get("said").is_some())
    };
    assert_eq!(said(get(&house, &path, &street).await), (value!(true), true));
    house.hub.erase_person(person_id(4), None, Clocks::both(noon())).await.expect("erases");
    assert_eq!(
        said(get(&house, &path, &street).await),
        (value!(true), false),
        "the photo stays, its card is gone"
    );
}
