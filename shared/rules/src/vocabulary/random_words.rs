//! Names that tools make of two random words, as Docker, Weights & Biases, MLflow, Heroku and coolname do: `gentle-fox`, `wandering-sun`.

use crate::vocabulary::people::is_of_group;

/// Moods and manners that nobody calls work by. Words that are also said of data and models (`small`, `deep`, `random`, `elastic`, `prime`, colors and seasons)
/// are left out.
const ADJECTIVES: &str = " admiring adoring affable affectionate agitated amazing ambitious amiable amused angelic astute audacious awesome awkward balmy bashful beautiful \
    benevolent blissful blithe boisterous brave breezy bubbly calm carefree charmed cheeky cheerful cheery charming clever colossal comfy compassionate \
    condescending confident congenial courageous courteous cozy cranky crazy curious cute daffy dainty dandy dapper daring dashing dauntless dazzling \
    decorous delightful determined devoted dexterous diligent distracted dreamy dulcet eager earnest earthy easygoing eccentric ecstatic effortless elated elegant \
    eloquent enchanting energetic enigmatic enthusiastic ethereal exalted excited exotic exuberant exultant fabulous faithful fanciful fancy \
    fantastic fearless feisty ferocious fervent festive flamboyant fluffy fragrant friendly frivolous frosty fuzzy gallant generous gentle giddy \
    glamorous gleaming glistening glorious glowing goofy graceful gracious grumpy happy heroic honest hopeful humble hungry idyllic imaginative \
    impish inquisitive inspiring intrepid jaunty jolly jovial joyful joyous jubilant kindred laughing leafy lively loving loyal lucid lucky magical \
    magnificent majestic marvelous meek mellow merry mighty mindful misty modest musing mystical mystifying naughty nervous nifty nimble nostalgic \
    optimistic ornery peaceful peachy pensive perky pious placid playful pleasant poetic polite posh priceless proud quaint quiet quirky quizzical radiant \
    rampant relaxed restful reverent righteous romantic rosy rousing rowdy sassy scrumptious serene shy silly sleepy smitten snazzy snowy solitary spirited splendid \
    stoic sunny suspicious sweet tender thirsty thoughtful thrifty trusting twilight unruffled upbeat valiant venerable vibrant vigilant vigorous virtuous \
    vivacious wandering weathered whimsical wispy wistful witty wizardly wobbly wonderful xenodochial youthful zany zealous zesty zippy \
    adorable adventurous agreeable bemused brash bustling capable classy crafty crawling defiant delicate evasive gaudy glib gifted \
    grandiose gregarious hallowed handsome industrious judicious lazy languid luminous luxuriant merciful mercurial monumental nebulous nosy omniscient overjoyed \
    painted persistent prickly rambunctious rogue salty sedate shivering skillful sly smart sneaky spiffy spectacular stately stylish sincere tasteful \
    thundering traveling unequaled unleashed upset wise \
    angry bold boring competent epic infallible keen kind legendary pedantic resilient sad silky stupefied zen ";

/// Animals, plants, weather and landscape, and the scientists of Docker's names.
const NOUNS: &str = " aardvark albatross alpaca antelope armadillo axolotl badger barracuda beaver beetle bird blossom boar breeze brook buffalo bush butterfly buzzard \
    camel capybara caribou cat caterpillar cheetah cherry chicken chipmunk cicada cloud cockatoo cougar cow coyote crab crane cricket crocodile crow \
    darkness dawn deer dew dingo dodo dog dolphin donkey dove dragon dragonfly dream duck dust eagle echidna eel egret elephant elk emu falcon \
    feather ferret finch firefly fish flamingo flower fog forest fowl fox frog frost galaxy gazelle gecko gerbil gibbon giraffe glade glitter gnat \
    goat goose gorilla grass grasshopper groundhog grouse gull hamster hare haze hawk hedgehog heron hill hippo hornet horse hummingbird hyena ibex \
    ibis iguana impala jackal jackrabbit jaguar jay jellyfish kangaroo kingfisher kiwi koala lake lark leaf lemming lemur leopard lion lizard llama \
    lobster lynx lyrebird macaw magpie mallard mammoth manatee mandrill meadow meerkat mink mole mongoose monkey moon moose mosquito moth mountain \
    mouse mule narwhal newt night nightingale ocelot octopus okapi opossum orangutan orca ostrich otter owl ox oyster panda panther parrot partridge \
    peacock pelican penguin pheasant pig pigeon pine platypus polecat pond porcupine possum puddle puffin puma quail rabbit raccoon rain ram raven \
    reindeer rhino river robin rooster salamander salmon sardine scorpion seahorse seal serval shadow shark sheep shrew silence skunk sky sloth smoke \
    snail snake snow snowflake sparrow spider squid squirrel star starfish starling stingray stork sturgeon sun sunset surf swallow swan swift tapir \
    termite terrapin thunder tiger toad tortoise toucan tree trout turkey turtle unicorn violet viper vole vulture walrus warthog wasp waterfall \
    weasel weevil whale wildebeest wildflower wind wolf wolverine wombat wood woodpecker worm wren yak zebra agnesi albattani allen almeida \
    archimedes ardinghelli aryabhata austin babbage banach banzai bardeen bartik bassi benz bhabha bhaskara blackburn blackwell bohr booth borg bose \
    bouman boyd brahmagupta brattain brown buck burnell carson cartwright carver cerf chandrasekhar chaplygin chatelet chatterjee chaum chebyshev \
    clarke cohen colden cori cray curie curran darwin davinci dewdney dhawan diffie dijkstra dirac driscoll dubinsky easley edison einstein elbakyan \
    elgamal elion ellis engelbart euclid euler faraday feistel fermat fermi feynman franklin gagarin galileo galois ganguly gauss germain goldberg \
    goldstine goldwasser golick goodall gould greider grothendieck haibt hamilton haslett hawking heisenberg hellman hermann herschel hertz heyrovsky \
    hodgkin hofstadter hoover hopper hugle hypatia ishizaka jackson jang jemison jennings jepsen johnson joliot jones kalam kapitsa kare keldysh \
    keller kepler khayyam khorana kilby kirch knuth kowalevski lalande lamarr lamport leakey leavitt lederberg lehmann lewin lichterman liskov \
    lovelace lumiere mahavira margulis matsumoto maxwell mayer mccarthy mcclintock mclaren mclean mcnulty meitner mendel mendeleev meninsky merkle \
    mestorf mirzakhani montalcini moore morse moser murdock napier nash neumann newton nobel noether northcutt noyce panini pare pascal pasteur payne \
    perlman poincare poitras proskuriakova ptolemy raman ramanujan rhodes ritchie robinson roentgen rosalind rubin saha sammet sanderson satoshi \
    shamir shannon shaw shirley shockley shtern sinoussi snyder solomon spence stonebraker sutherland swanson swartz swirles taussig tesla tharp \
    thompson torvalds turing varahamihira vaughan vaughn villani visvesvaraya volhard wescoff wilbur wiles williams williamson wilson wozniak wright \
    yalow yonath zhukovsky \
    ant ape asp auk bass bat bear bee bison bobcat bug calf carp chimp coati colt conch cuckoo \
    dugong fawn flea fly foal gnu hen hound kit kite koi lamb loon mare midge mustang oriole perch \
    pug quoll rat rook shad shrike shrimp skua skylark slug smelt snipe sow sponge stag steed stoat tern \
    zebu ";

/// Whether a tool chose these two words, a mood and an animal or the like. `random-forest`, `deep-fox` and `happy-users` are what people write.
pub(super) fn are_random(first: &str, second: &str) -> bool {
    is_in(ADJECTIVES, first) && is_in(NOUNS, second)
}

/// Whether a tool may have chosen these two words before a number, as MLflow does: `resilient-horse-71`. Tools have more words than these lists.
pub(super) fn may_be_before_number(first: &str, second: &str) -> bool {
    // MLflow's words have three letters and more.
    let is_free = |word: &str| 3 <= word.len() && word.bytes().all(|letter| letter.is_ascii_lowercase()) && !is_of_group(word);
    is_free(first) && is_free(second)
}

fn is_in(list: &str, word: &str) -> bool {
    word.bytes().all(|letter| letter.is_ascii_lowercase()) && list.contains(&format!(" {word} "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_random_words_are_a_mood_and_an_animal() {
        for (first, second, random) in [
            ("gentle", "fox", true),
            ("wandering", "sun", true),
            ("admiring", "einstein", true),
            ("xenodochial", "zhukovsky", true),
            ("random", "forest", false),
            ("deep", "fox", false),
            ("black", "forest", false),
            ("happy", "users", false),
            ("fox", "gentle", false),
            ("gentle fox", "fox", false),
            ("", "fox", false),
            ("gentle", "", false),
        ] {
            assert_eq!(are_random(first, second), random, "{first}-{second}");
        }
    }

    #[test]
    fn words_that_no_list_has_may_be_random_before_a_number() {
        for (first, second, may_be) in [
            ("auspicious", "grouse", true),
            ("rebellious", "shoat", true),
            ("random", "forest", true),
            ("customer", "churn", false),
            ("churn", "train", false),
            ("resnet", "v2", false),
            ("Bright", "grouse", false),
            ("lr", "fox", false),
            ("", "fox", false),
        ] {
            assert_eq!(may_be_before_number(first, second), may_be, "{first}-{second}");
        }
    }
}
