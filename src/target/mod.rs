//! Row 3: the executor on the real system and `fleet remote`'s loop. Synchronous; imports base and wire only.

pub mod facts;
