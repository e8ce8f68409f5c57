//! Letters that look like words, and letters and digits that do not: what tells a name from a random text.

/// Abbreviations that are parts of names of work, although they have no vowel.
const WORDS: [&str; 35] = [
    "bdd", "bm", "cnn", "crf", "cvt", "ddp", "dqn", "gbm", "gcn", "gnn", "gpt", "hdf", "knn", "llm", "lstm", "mlm", "mlp", "nlp", "nms",
    "psp", "rnn", "rwkv", "sdxl", "sgd", "sql", "ssd", "svm", "tft", "tts", "vctk", "vgg", "vl", "wrn", "xgb", "xlm",
];

/// Pairs of letters that are common in words.
const PAIRS: &str = "ab ac ad ae af ag ai ak al am an ap ar as at au av aw ax ay ba be bi bl bo br bs bu by ca cc ce ch ci ck cl co cr cs ct cu cy \
    da dd de di do dr ds du dy ea ec ed ee ef eg ei el em en eo ep eq er es et eu ev ew ex ey fa fe ff fi fl fo fr ft fu ga ge gg gh gi gl gn go gr \
    gs gu ha he hi ho hr ht hu hy ia ib ic id ie if ig ik il im in io ip ir is it iv ix iz ja je jo ju ke ki kn ks ku la lb ld le lf li ll lm lo ls lt \
    lu ly ma mb me mi ml mm mo mp ms mu my na nc nd ne nf ng ni nk nn no ns nt nu ny oa ob oc od oe of og oi ok ol om on oo op or os ot ou ov ow ox oy \
    pa pe ph pi pl po pp pr ps pt pu py qu ra rb rc rd re rf rg ri rk rl rm rn ro rp rr rs rt ru rv ry sa sc se sh si sk sl sm so sp ss st su sw sy ta \
    tc te tf th ti tl tm to tr ts tt tu tw ty ua ub uc ud ue ug ui ul um un up ur us ut va ve vi vo wa we wh wi wn wo wr xa xi xp xt ya ye yo ys yp za \
    ze zo zz";

/// Whether letters can be a word or several: they have a known one, or a vowel and mostly pairs of letters as words have.
pub(super) fn is_word(letters: &str) -> bool {
    let small = letters.to_ascii_lowercase();
    let pairs: Vec<String> = letter_pairs(letters).collect();
    let common = pairs.iter().filter(|pair| PAIRS.contains(pair.as_str())).count();
    WORDS.iter().any(|word| small.contains(word)) || (has_vowel(letters) && pairs.len() < 2 * common)
}

/// Whether letters and digits stand in an order that is more likely by chance than in a name. Of random pairs of letters, half are common in words, and
/// digits stand anywhere; names have few pairs of other letters, and few digits among the letters.
pub(super) fn are_by_chance(part: &str) -> bool {
    const LEAST: i32 = 10;
    let text = WORDS.iter().fold(spaced(part), |text, word| text.replace(word, " "));
    let is_digit = |c: u8| c.is_ascii_digit();
    let weight = |pair: &[u8]| match (pair, std::str::from_utf8(pair)) {
        ([b' ', _] | [_, b' '], _) => 0,
        (&[a, b], _) if is_digit(a) != is_digit(b) => 2,
        (&[a, _], _) if is_digit(a) => 0,
        (_, Ok(pair)) if PAIRS.contains(pair) => -1,
        _ => 3,
    };
    8 <= part.len() && LEAST <= text.as_bytes().windows(2).map(weight).sum()
}

/// The part in small letters, with a blank before each word in camel case.
fn spaced(part: &str) -> String {
    let mut spaced = String::new();
    let mut before = ' ';
    for c in part.chars() {
        if before.is_ascii_lowercase() && c.is_ascii_uppercase() {
            spaced.push(' ');
        }
        spaced.push(c.to_ascii_lowercase());
        before = c;
    }
    spaced
}

pub(super) fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

pub(super) fn has_vowel(letters: &str) -> bool {
    letters.contains(['a', 'e', 'i', 'o', 'u', 'y', 'A', 'E', 'I', 'O', 'U', 'Y'])
}

/// The pairs of letters within words, in small letters. A capital after a small letter begins a word.
fn letter_pairs(part: &str) -> impl Iterator<Item = String> {
    let is_in_word =
        |pair: &&[u8]| pair.iter().all(u8::is_ascii_alphabetic) && !(pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase());
    part.as_bytes().windows(2).filter(is_in_word).map(|pair| String::from_utf8_lossy(pair).to_ascii_lowercase())
}

/// The runs of letters and of digits: `wav2vec2` → `wav`, `2`, `vec`, `2`.
pub(super) fn runs(part: &str) -> impl Iterator<Item = &str> {
    part.as_bytes().chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit()).filter_map(|run| std::str::from_utf8(run).ok())
}

/// How many words in camel case it may have: one, and one more for each capital after a small letter.
pub(super) fn humps(part: &str) -> usize {
    1 + part.as_bytes().windows(2).filter(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase()).count()
}
