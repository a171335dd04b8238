//! Accounts as stored: who may sign in at the console, and with what.
//!
//! A password is here only as its argon2id hash. What a person may do stands in the
//! registry and is read there at each request; an account opens the door and says no more.

use louan_schema::id::PersonId;
use louan_schema::time::Timestamp;

use super::Reply;

/// An account (账号): a person's way into the console.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Whose; one person has one account.
    pub person: PersonId,
    /// The name typed when signing in: an employee number, folded to lower case.
    pub login: String,
    /// The argon2id hash, in PHC form.
    pub password: String,
    /// Whether it opens the door.
    pub active: bool,
    /// When password or state last changed.
    pub changed_at: Timestamp,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account")
            .field("person", &self.person)
            .field("active", &self.active)
            .finish_non_exhaustive()
    }
}

/// Accounts.
pub trait AccountStore: Send + Sync {
    /// The account with this login.
    fn find_account(&self, login: &str) -> Reply<'_, Option<Account>>;
    /// A person's account.
    fn find_account_of(&self, person: PersonId) -> Reply<'_, Option<Account>>;
    /// Every account, by login.
    fn list_accounts(&self) -> Reply<'_, Vec<Account>>;
}
