//! Who works in the demonstration: the organisations of the district, their people,
//! accounts and phones, entered by the operator's commands one by one.
//!
//! Names are roles and numbers: nobody here exists. Passwords and enrolment codes are the
//! program's own and pass through here once.

use louan_schema::id::{OrgId, PersonId};
use louan_schema::registry::{Org, Person};

use super::server::Office;
use super::{Step, Trouble};
use crate::cast::{Cast, StreetCast};

/// An account somebody can sign in with (账号).
#[derive(Debug, Clone)]
pub struct Account {
    /// The login.
    pub login: String,
    /// The first password.
    pub password: String,
    /// Who it belongs to, as the ledger shows him.
    pub name: String,
    /// His role in words.
    pub role: &'static str,
    /// His organisation.
    pub org: String,
}

/// Who works in one 街镇 (街镇人员).
#[derive(Debug)]
pub struct Crew {
    /// As in the cast; its ids are not used.
    pub cast: StreetCast,
    /// The property company.
    pub property: OrgId,
    /// The police station.
    pub police: OrgId,
    /// Enters compounds.
    pub clerk: Account,
    /// Confirms and closes.
    pub officer: Account,
    /// Both inspectors and the officer, each with the code for his phone.
    pub phones: [(PersonId, String); 3],
}

/// Everyone (演示人员).
#[derive(Debug)]
pub struct Staff {
    /// The leading group's office: reads every figure.
    pub office: Account,
    /// The brigade: reviews the whole ledger.
    pub brigade: Account,
    /// By street.
    pub streets: Vec<Crew>,
}

/// Enters everyone; `tell` hears how many steps are done, of how many.
///
/// # Errors
/// [`Trouble`] with what the program said.
pub async fn set_up(office: &Office, tell: &mut dyn FnMut(usize, usize)) -> Step<Staff> {
    let cast = Cast::of_the_district();
    // A street is three organisations, four people and three codes.
    let all = 4 + 10 * cast.streets.len();
    office.run(&["migrate"]).await?;
    let mut desk = Registrar { office, tell, done: 0, all };
    desk.org("office", &cast.office).await?;
    let reads = desk.account("office", &cast.office, &cast.office_clerk, "office").await?;
    desk.org("brigade", &cast.brigade).await?;
    let reviews = desk.account("brigade", &cast.brigade, &cast.reviewer, "brigade").await?;
    let mut streets = Vec::new();
    for street in cast.streets {
        streets.push(desk.street(street).await?);
    }
    Ok(Staff { office: reads.1, brigade: reviews.1, streets })
}

struct Registrar<'a> {
    office: &'a Office,
    tell: &'a mut dyn FnMut(usize, usize),
    done: usize,
    all: usize,
}

impl Registrar<'_> {
    async fn street(&mut self, cast: StreetCast) -> Step<Crew> {
        let code = cast.street.to_string();
        let short = &code[code.len() - 3..];
        let [office, property, police] =
            ["street", "property", "police"].map(|kind| format!("{kind}-{code}"));
        self.org(&office, &cast.office).await?;
        let property_id = self.org(&property, &cast.property).await?;
        let police_id = self.org(&police, &cast.police).await?;
        let (_, clerk) = self.account(&office, &cast.office, &cast.clerk, &format!("street-{short}")).await?;
        let (officer_id, officer) =
            self.account(&police, &cast.police, &cast.officer, &format!("police-{short}")).await?;
        let mut phones = Vec::new();
        for inspector in &cast.inspectors {
            let id = self.person(&property, inspector, &[]).await?.0;
            phones.push((id, self.code(id).await?));
        }
        phones.push((officer_id, self.code(officer_id).await?));
        let phones = phones.try_into().map_err(|_| Trouble::odd("每个街镇应有三部手机"))?;
        Ok(Crew { cast, property: property_id, police: police_id, clerk, officer, phones })
    }

    async fn org(&mut self, code: &str, org: &Org) -> Step<OrgId> {
        let street = org.street.map(|street| street.to_string());
        let mut words = vec!["org", "add", "--code", code, "--kind", org.kind.as_str(), "--name", &org.name];
        if let Some(street) = &street {
            words.extend(["--street", street]);
        }
        let said = self.run(&words).await?;
        after(&said, "编号 ", id_char).and_then(|id| id.parse().ok()).ok_or_else(|| unread("单位", &said))
    }

    async fn account(
        &mut self,
        org_code: &str,
        org: &Org,
        person: &Person,
        login: &str,
    ) -> Step<(PersonId, Account)> {
        let (id, said) = self.person(org_code, person, &["--login", login]).await?;
        let password = after(&said, "初始密码（只显示这一次）：", |c| !c.is_whitespace());
        let account = Account {
            login: login.to_owned(),
            password: password
                .ok_or_else(|| Trouble::odd(format!("没有得到账号 {login} 的初始密码")))?
                .to_owned(),
            name: person.name.clone(),
            role: person.role.label(),
            org: org.name.clone(),
        };
        Ok((id, account))
    }

    async fn person(&mut self, org: &str, person: &Person, more: &[&str]) -> Step<(PersonId, String)> {
        let role = person.role.as_str();
        let mut words = vec!["user", "add", "--org", org, "--role", role, "--name", &person.name];
        words.extend(more);
        let said = self.run(&words).await?;
        let id = after(&said, "编号 ", id_char).and_then(|id| id.parse().ok());
        Ok((id.ok_or_else(|| unread("人员", &said))?, said))
    }

    async fn code(&mut self, person: PersonId) -> Step<String> {
        let said = self.run(&["enrol", "new", &person.to_string()]).await?;
        let code = after(&said, "登记码（只显示这一次）：", |c| !c.is_whitespace());
        code.map(ToOwned::to_owned).ok_or_else(|| Trouble::odd("没有得到登记码"))
    }

    async fn run(&mut self, words: &[&str]) -> Step<String> {
        let said = self.office.run(words).await?;
        self.done += 1;
        (self.tell)(self.done, self.all);
        Ok(said)
    }
}

fn id_char(c: char) -> bool {
    c.is_ascii_alphanumeric()
}

/// The run of characters that follows a label.
fn after<'a>(said: &'a str, label: &str, belongs: impl Fn(char) -> bool) -> Option<&'a str> {
    let rest = &said[said.find(label)? + label.len()..];
    let end = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
    Some(&rest[..end]).filter(|text| !text.is_empty())
}

fn unread(what: &str, said: &str) -> Trouble {
    Trouble::odd(format!("没有读懂{what}的编号：{}", said.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_a_label_is_read_to_its_end() {
        let said = "人员已保存：民警一，编号 01ABC。\n初始密码（只显示这一次）：Ab3-x\n";
        assert_eq!(after(said, "编号 ", id_char), Some("01ABC"));
        assert_eq!(after(said, "初始密码（只显示这一次）：", |c| !c.is_whitespace()), Some("Ab3-x"));
        assert_eq!(after(said, "登记码", id_char), None);
        assert_eq!(after("编号 。", "编号 ", id_char), None);
    }
}
