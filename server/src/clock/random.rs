//! Randomness: the one place of the server that rolls dice.
//!
//! Everybody else is handed the bytes, so that a test can choose them.

/// Gives random bytes (随机源).
pub trait Random: Send + Sync {
    /// Fills the slice.
    fn fill(&self, bytes: &mut [u8]);
}

impl dyn Random + '_ {
    /// An array of random bytes.
    pub fn array<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }
}

/// The operating system's generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    /// # Panics
    /// When the operating system has no randomness to give: a server that went on with
    /// guessable tokens would be worse than none.
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system gives random bytes");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_draws_of_256_bits_differ() {
        let random: &dyn Random = &SystemRandom;
        assert_ne!(random.array::<32>(), random.array::<32>());
    }
}
