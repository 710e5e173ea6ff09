//! `random` and `shuffle`. With a seed they give what Python's `random.Random(seed)` gives.

use sha2::{Digest, Sha512};

use crate::base::{Map, Value};
use crate::template::LookupError;
use crate::template::args::Args;
use crate::template::context::Ctx;
use crate::template::fail::{Fail, Res, bail};
use crate::template::val::Val;

/// The Mersenne twister MT19937 (Matsumoto and Nishimura, 1998), seeded as Python seeds it.
struct Twister {
    state: [u32; Self::SIZE],
    at: usize,
}

impl Twister {
    const SIZE: usize = 624;

    fn word(&self, index: usize) -> u32 {
        self.state.get(index % Self::SIZE).copied().unwrap_or(0)
    }

    fn put(&mut self, index: usize, value: u32) {
        if let Some(word) = self.state.get_mut(index % Self::SIZE) {
            *word = value;
        }
    }

    fn of_number(seed: u32) -> Self {
        let mut twister = Self { state: [0; Self::SIZE], at: Self::SIZE };
        twister.put(0, seed);
        for index in 1..Self::SIZE {
            let before = twister.word(index - 1);
            twister.put(
                index,
                1_812_433_253_u32.wrapping_mul(before ^ (before >> 30)).wrapping_add(index as u32),
            );
        }
        twister
    }

    fn of_words(key: &[u32]) -> Self {
        let mut twister = Self::of_number(19_650_218);
        let (mut i, mut j) = (1, 0);
        for _ in 0..Self::SIZE.max(key.len()) {
            let before = twister.word(i - 1);
            let mixed = (twister.word(i) ^ (before ^ (before >> 30)).wrapping_mul(1_664_525))
                .wrapping_add(key.get(j).copied().unwrap_or(0))
                .wrapping_add(j as u32);
            twister.put(i, mixed);
            i += 1;
            j = (j + 1) % key.len().max(1);
            if i >= Self::SIZE {
                twister.put(0, twister.word(Self::SIZE - 1));
                i = 1;
            }
        }
        for _ in 0..Self::SIZE - 1 {
            let before = twister.word(i - 1);
            let mixed = (twister.word(i) ^ (before ^ (before >> 30)).wrapping_mul(1_566_083_941))
                .wrapping_sub(i as u32);
            twister.put(i, mixed);
            i += 1;
            if i >= Self::SIZE {
                twister.put(0, twister.word(Self::SIZE - 1));
                i = 1;
            }
        }
        twister.put(0, 0x8000_0000);
        twister
    }

    /// As `random.Random(seed)`.
    fn seeded(seed: &Value) -> Self {
        let big_endian = match seed {
            Value::Int(number) => number.unsigned_abs().to_be_bytes().to_vec(),
            Value::Bool(value) => vec![u8::from(*value)],
            other => {
                let text = other.to_text();
                let digest = Sha512::digest(text.as_bytes());
                text.bytes().chain(digest).collect()
            }
        };
        let mut words: Vec<u32> = big_endian
            .rchunks(4)
            .map(|chunk| chunk.iter().fold(0, |word, byte| word << 8 | u32::from(*byte)))
            .collect();
        while words.len() > 1 && words.last() == Some(&0) {
            words.pop();
        }
        Self::of_words(&words)
    }

    fn next(&mut self) -> u32 {
        if self.at >= Self::SIZE {
            for index in 0..Self::SIZE {
                let mixed = (self.word(index) & 0x8000_0000) | (self.word(index + 1) & 0x7fff_ffff);
                let odd = if mixed & 1 == 1 { 0x9908_b0df } else { 0 };
                let value = self.word(index + 397) ^ (mixed >> 1) ^ odd;
                self.put(index, value);
            }
            self.at = 0;
        }
        let mut word = self.word(self.at);
        self.at += 1;
        word ^= word >> 11;
        word ^= (word << 7) & 0x9d2c_5680;
        word ^= (word << 15) & 0xefc6_0000;
        word ^ (word >> 18)
    }

    fn bits(&mut self, count: u32) -> u128 {
        let (mut value, mut filled) = (0_u128, 0);
        while filled < count {
            let take = (count - filled).min(32);
            value |= u128::from(self.next() >> (32 - take)) << filled;
            filled += take;
        }
        value
    }

    /// A number below `limit`.
    fn below(&mut self, limit: u128) -> u128 {
        let count = 128 - limit.leading_zeros();
        loop {
            let value = self.bits(count);
            if value < limit {
                return value;
            }
        }
    }
}

/// One number below `limit` as `random.Random(seed)` of Python chooses it.
pub(super) fn seeded_below(seed: &Value, limit: u128) -> u128 {
    Twister::seeded(seed).below(limit)
}

/// Numbers below `limit` as `random.Random(seed)` of Python chooses them.
pub fn seeded_choices(seed: &Value, limit: usize, count: usize) -> impl Iterator<Item = usize> {
    let mut twister = Twister::seeded(seed);
    (0..count).map(move |_| usize::try_from(twister.below(limit.max(1) as u128)).unwrap_or(0))
}

/// A source of choices: seeded, or the world outside.
enum Source<'c, 'r> {
    Seeded(Box<Twister>),
    Outside(&'c Ctx<'r>),
}

impl<'c, 'r> Source<'c, 'r> {
    fn new(ctx: &'c Ctx<'r>, seed: Option<Val>) -> Res<Self> {
        Ok(match seed.filter(|seed| !seed.is_none()) {
            Some(seed) => Self::Seeded(Box::new(Twister::seeded(&ctx.force(&seed)?))),
            None => Self::Outside(ctx),
        })
    }

    fn below(&mut self, limit: u128) -> Res<u128> {
        match self {
            Self::Seeded(twister) => Ok(twister.below(limit)),
            Self::Outside(ctx) => {
                if limit > 1_000_000 {
                    let limit = limit.min(1 << 119);
                    // eight bytes more than the number has, so that no choice is likelier than another to notice
                    let length = 8 + (128 - limit.leading_zeros()).div_ceil(8) as usize;
                    let drawn = random_bytes(ctx, length)?;
                    let fold = |rest: u128, byte: &u8| ((rest % limit) * 256 + u128::from(*byte)) % limit;
                    return Ok(drawn.iter().fold(0, fold));
                }
                let numbers: Vec<Value> = (0..limit).map(|number| Value::Int(number as i128)).collect();
                let chosen = outside(ctx, "random_choice", &numbers)?;
                let chosen = match &chosen {
                    Value::List(items) => items.first().and_then(Value::as_int),
                    other => other.as_int(),
                };
                Ok(chosen
                    .and_then(|number| u128::try_from(number).ok())
                    .unwrap_or(0)
                    .min(limit.saturating_sub(1)))
            }
        }
    }
}

fn outside(ctx: &Ctx<'_>, name: &str, terms: &[Value]) -> Res<Value> {
    ctx.run.lookups.lookup(name, terms, &Map::new(), &ctx.scope).map_err(|error| match error {
        LookupError::Deferred => Fail::Deferred,
        LookupError::Unknown(unknown) => Fail::Unknown(unknown),
        LookupError::NoSuchLookup => Fail::error("there is no source of random choices here"),
        LookupError::Failed(message) => Fail::error(message),
    })
}

/// Bytes by chance.
pub(super) fn random_bytes(ctx: &Ctx<'_>, count: usize) -> Res<Vec<u8>> {
    let drawn = outside(ctx, "fleet.random_bytes", &[Value::from(count)])?;
    let bytes: Vec<u8> = drawn
        .as_list()
        .unwrap_or_default()
        .iter()
        .filter_map(|byte| byte.as_int().and_then(|byte| u8::try_from(byte).ok()))
        .collect();
    if bytes.len() == count { Ok(bytes) } else { bail("there is no source of random numbers here") }
}

pub(super) fn random(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [start, step, seed] = args.bind("random", ["start", "step", "seed"])?;
    let mut source = Source::new(ctx, seed)?;
    if let Val::Data(Value::Int(end)) = &value {
        let start = start.map_or(Ok(0), |start| ctx.optional_int(&start).map(|start| start.unwrap_or(0)))?;
        let step = step.map_or(Ok(1), |step| ctx.optional_int(&step).map(|step| step.unwrap_or(1)))?;
        if step <= 0 {
            return bail("the step of `random` must be positive");
        }
        let count = (end.saturating_sub(start).saturating_add(step - 1)).div_euclid(step);
        if count <= 0 {
            return bail(format!("empty range for randrange() ({start}, {end}, {step})"));
        }
        return Ok(Val::from(start + step * source.below(count.unsigned_abs())? as i128));
    }
    if start.is_some() || step.is_some() {
        return bail("start and step can only be used with integer values");
    }
    let items = ctx.iterate(&value)?;
    if items.is_empty() {
        return bail("cannot choose from an empty sequence");
    }
    let at = source.below(items.len() as u128)?;
    Ok(usize::try_from(at).ok().and_then(|at| items.get(at)).cloned().unwrap_or(Val::NONE))
}

pub(super) fn shuffle(ctx: &Ctx<'_>, value: Val, args: &Args) -> Res<Val> {
    let [seed] = args.bind("shuffle", ["seed"])?;
    let mut source = Source::new(ctx, seed)?;
    let mut items = ctx.iterate(&value)?;
    for at in (1..items.len()).rev() {
        let other = usize::try_from(source.below(at as u128 + 1)?).unwrap_or(0);
        items.swap(at, other.min(at));
    }
    Ok(Val::list(items))
}
