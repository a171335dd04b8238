//! Two colleagues fill one round, floors apart, both offline; nothing is lost, what
//! contradicts is shown to both until a later answer settles it.

use kit::world::{World, sixteen};
use louan_client_core::view::RoundState;
use louan_schema::code::Outcome;

use crate::story;

#[test]
fn both_halves_of_a_round_are_there_and_a_contradiction_is_shown_until_settled() {
    story(async {
        let mut world = World::new().await;
        let street = world.street().clone();
        let (site, building) = world.site("双人示例苑").await;
        let [a, b] = [&street.inspectors[0], &street.inspectors[1]];
        let (mut first, mut second) = (world.phone(a).await, world.phone(b).await);
        let answers = sixteen(Outcome::Pass, world.now.day());

        let acting = first.acting(a.id, world.now);
        let round = first.phone.start_round(&acting, site, vec![building]).expect("starts");
        first.sync(&world.hub, world.now).await;
        second.sync(&world.hub, world.now).await;
        let acting = second.acting(b.id, world.now);
        second.phone.join_round(&acting, round).expect("a colleague's open round came down");

        // Both offline; they agree on seven items, disagree on the eighth.
        for (handset, person, range) in [(&mut first, a.id, 0..8), (&mut second, b.id, 7..16)] {
            for answer in &answers[range.clone()] {
                let mut answer = answer.clone();
                if range.start == 7 && answer.item == answers[7].item {
                    answer.outcome = Outcome::Fail;
                }
                let acting = handset.acting(person, world.now);
                handset.phone.answer(&acting, round, answer).expect("saves");
            }
        }
        for _ in 0..2 {
            first.sync(&world.hub, world.now).await;
            second.sync(&world.hub, world.now).await;
        }
        for handset in [&first, &second] {
            let view = handset.phone.round(round).expect("reads").expect("is on the phone");
            assert_eq!(view.answers.len(), 16, "both halves are there");
            assert_eq!(view.contested().count(), 1, "填报不一致 is shown to both");
            assert!(view.missing.is_empty());
        }

        let mut settled = answers[7].clone();
        settled.outcome = Outcome::Fail;
        let acting = first.acting(a.id, world.now);
        first.phone.answer(&acting, round, settled).expect("saves");
        for _ in 0..2 {
            first.sync(&world.hub, world.now).await;
            second.sync(&world.hub, world.now).await;
        }
        let view = second.phone.round(round).expect("reads").expect("is on the phone");
        assert_eq!(view.contested().count(), 0, "a later answer settles it");

        let acting = second.acting(b.id, world.now);
        second.phone.submit_round(&acting, round).expect("complete");
        second.sync(&world.hub, world.now).await;
        first.sync(&world.hub, world.now).await;
        let view = first.phone.round(round).expect("reads").expect("is on the phone");
        assert_eq!(
            view.summary.state,
            RoundState::SubmittedElsewhere,
            "the colleague sees that it was handed in"
        );
        let rounds = world.hub.month(world.now.day().end()).await.expect("folds").total.rounds;
        assert_eq!(rounds, 1, "one visit, whoever filled it");
    });
}
