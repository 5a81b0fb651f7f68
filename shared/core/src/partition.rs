//! Which partition a subject belongs to, exactly as the Java client computes it.

/// The murmur2 hash of a subject with the sign bit cleared: what the Java
/// producer's default partitioner computes for a record key, before the modulo.
///
/// Seed and constants are those of `org.apache.kafka.common.utils.Utils.murmur2`.
#[must_use]
pub fn subject_hash(subject: &str) -> i32 {
    (murmur2(subject.as_bytes()) & 0x7fff_ffff).cast_signed()
}

/// The partition of a hash from [`subject_hash`] among `partitions` of them.
/// With no partitions at all the answer is 0.
#[must_use]
pub fn partition_for(subject_hash: i32, partitions: i32) -> i32 {
    subject_hash.checked_rem(partitions).unwrap_or(0)
}

fn murmur2(data: &[u8]) -> u32 {
    const MULTIPLIER: u32 = 0x5bd1_e995;
    const SEED: u32 = 0x9747_b28c;
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let mut hash = SEED ^ length;
    let mut words = data.chunks_exact(4);
    for word in &mut words {
        let mut k = word
            .iter()
            .rev()
            .fold(0u32, |sum, byte| (sum << 8) | u32::from(*byte));
        k = k.wrapping_mul(MULTIPLIER);
        k ^= k >> 24;
        hash = hash.wrapping_mul(MULTIPLIER) ^ k.wrapping_mul(MULTIPLIER);
    }
    let rest = words.remainder();
    if !rest.is_empty() {
        let tail = rest
            .iter()
            .rev()
            .fold(0u32, |sum, byte| (sum << 8) | u32::from(*byte));
        hash = (hash ^ tail).wrapping_mul(MULTIPLIER);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(MULTIPLIER);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::{murmur2, partition_for, subject_hash};

    /// The vectors of Kafka's own `UtilsTest.testMurmur2`.
    #[test]
    fn murmur2_agrees_with_the_vectors_of_kafka() {
        for (text, expected) in [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            (
                "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8",
                -58_897_971,
            ),
            ("abc", 479_470_107),
        ] {
            assert_eq!(murmur2(text.as_bytes()).cast_signed(), expected, "{text}");
        }
    }

    #[test]
    fn a_partition_is_never_negative_nor_out_of_range() {
        for number in 0..1000 {
            let hash = subject_hash(&format!("subject-{number}"));
            assert!(hash >= 0);
            assert!((0..7).contains(&partition_for(hash, 7)));
            assert_eq!(partition_for(hash, 0), 0);
        }
    }
}
