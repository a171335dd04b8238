//! Whether anything is left on the phones: an edit that is not acknowledged is not in the figures.
//!
//! It asks each phone for the lists its owner sees, and takes no "could not be read" for "nothing".

use crate::handset::Handset;

/// How many edits wait to be sent, are held by the office and were returned, on all phones together: three zeros.
///
/// # Errors
/// The three numbers when one is not zero, or which phone could not say.
pub fn at_rest(phones: &[Handset]) -> Result<[usize; 3], String> {
    let mut left = [0; 3];
    for handset in phones {
        let phone = &handset.phone;
        for (sum, list) in left.iter_mut().zip([phone.outbox(), phone.held(), phone.returned()]) {
            *sum += list.map_err(|e| format!("phone {}: {e}", handset.device))?.len();
        }
    }
    let [pending, held, returned] = left;
    match left {
        [0, 0, 0] => Ok(left),
        _ => Err(format!("手机上还有待上传 {pending}、暂存待审 {held}、退回 {returned}")),
    }
}

#[cfg(test)]
mod tests {
    use louan_schema::code::Outcome;
    use louan_schema::record::Answer;

    use super::*;
    use crate::handset::both;
    use crate::world::{World, sixteen};

    /// The three numbers, as they are told.
    fn left(phones: &[Handset]) -> String {
        at_rest(phones).err().unwrap_or_default()
    }

    #[tokio::test]
    async fn what_is_pending_held_or_returned_is_not_at_rest() {
        let mut world = World::new().await;
        let street = world.street().clone();
        let (site, building) = world.site("甲苑").await;
        let [first, second] = street.inspectors.clone();
        let mut phones = [world.phone(&first).await, world.phone(&second).await];
        assert_eq!(at_rest(&phones), Ok([0, 0, 0]));
        let answers: Vec<Answer> = sixteen(Outcome::Pass, world.now.day());
        let acting = phones[0].acting(first.id, world.now);
        let round = phones[0].phone.start_round(&acting, site, vec![building]).expect("starts");
        for answer in &answers[1..] {
            let acting = phones[0].acting(first.id, world.now);
            phones[0].phone.answer(&acting, round, answer.clone()).expect("answers");
        }
        assert_eq!(left(&phones), "手机上还有待上传 1、暂存待审 0、退回 0", "answers of an open round");
        for phone in &mut phones {
            phone.sync(&world.hub, world.now).await;
        }
        assert_eq!(at_rest(&phones), Ok([0, 0, 0]));
        let acting = phones[1].acting(second.id, world.now);
        phones[1].phone.join_round(&acting, round).expect("joins what came down");
        let acting = phones[0].acting(first.id, world.now);
        phones[0].phone.submit_round(&acting, round).expect("saves");
        assert_eq!(left(&phones), "手机上还有待上传 1、暂存待审 0、退回 0", "a record");
        phones[0].sync(&world.hub, world.now).await;
        // The colleague did not know that the sheet is closed by now.
        let acting = phones[1].acting(second.id, world.now);
        phones[1].phone.answer(&acting, round, answers[0].clone()).expect("answers");
        phones[1].sync(&world.hub, world.now).await;
        assert_eq!(left(&phones), "手机上还有待上传 0、暂存待审 1、退回 0", "held by the office");
        let held = world.hub.list_held(2).await.expect("reads");
        let change = (held[0].hash, held[0].device);
        let refused = world.hub.decide_held(street.officer.id, change, false, both(world.now)).await;
        refused.expect("the supervisor may");
        phones[1].sync(&world.hub, world.now).await;
        assert_eq!(left(&phones), "手机上还有待上传 0、暂存待审 0、退回 1");
    }
}
