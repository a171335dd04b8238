//! What a batch's signature covers: with one thing altered it is another digest.

use louan_schema::id::{ChangeHash, CommandId, DeviceId, DocId, Incarnation, PersonId, RecordId};
use louan_schema::ruling::{Act, Command};
use louan_schema::time::Timestamp;
use louan_schema::wire::{Batch, SignedList};

/// What is altered, in words, and how.
type Altered = (&'static str, fn(&mut Signed));

#[derive(Clone)]
struct Signed {
    device: DeviceId,
    incarnation: Incarnation,
    person: PersonId,
    list: SignedList,
    commands: Vec<Command>,
}

impl Signed {
    fn digest(&self) -> [u8; 32] {
        Batch::digest(self.device, self.incarnation, self.person, &self.list, &self.commands)
    }
}

fn command(n: u8) -> Command {
    let act = Act::CloseHazard { hazard: RecordId([n; 16]) };
    Command { id: CommandId([n; 16]), expected_version: 1, at: Timestamp::from_ms(1_580_000_000_000), act }
}

#[test]
fn every_thing_signed_is_covered() {
    let entry = |n: u8| (DocId([n; 16]), u32::from(n), ChangeHash([n; 32]));
    let whole = Signed {
        device: DeviceId([1; 16]),
        incarnation: Incarnation([2; 16]),
        person: PersonId([3; 16]),
        list: vec![entry(4), entry(5)],
        commands: vec![command(6), command(7)],
    };
    let altered: [Altered; 9] = [
        ("the device", |s| s.device.0[0] ^= 1),
        ("the life of its store", |s| s.incarnation.0[0] ^= 1),
        ("the person", |s| s.person.0[0] ^= 1),
        ("a change's document", |s| s.list[1].0.0[0] ^= 1),
        ("a change's actor number", |s| s.list[1].1 ^= 1),
        ("a change's bytes", |s| s.list[1].2.0[0] ^= 1),
        ("the order of changes", |s| s.list.reverse()),
        ("a command", |s| s.commands[0].expected_version += 1),
        ("the order of commands", |s| s.commands.reverse()),
    ];
    for (what, alter) in altered {
        let mut other = whole.clone();
        alter(&mut other);
        assert_ne!(other.digest(), whole.digest(), "{what}");
    }
}
