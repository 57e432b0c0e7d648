"""Words of our own for the demo: what is said when no better data lies about, and comments always.

Comments are ours in every case: real ones, found in data sets, are not fit to be put into strangers' mouths.
"""


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FIRST_NAMES = _split("""
Ada Aisha Alba Amara Anders Anouk Arjun Astrid Aurora Beatriz Bram Camille Carlos Chiara Chidi Clara Daniela
Dario David Diego Elena Elif Emeka Emil Emma Esther Farah Felix Fiona Freya Gabriel Greta Hana Hannah Hassan
Helena Hugo Ida Ines Ingrid Isaac Ivan Jana Jasper Joana Jonas Josefina Julia Kai Karim Katya Kenji Lars Laura
Leila Leo Lina Lucas Lucia Maja Malik Marco Maria Marta Mateo Maya Mei Mila Mina Nadia Naomi Nils Nina Noah
Nora Olga Oscar Paula Pavel Petra Priya Rafael Rania Rosa Ruben Samir Sara Selma Signe Sofia Stefan Tara Theo
Thomas Tove Valentina Vera Victor Yara Yuki Zoe
""")

LAST_NAMES = _split("""
Abadi Adeyemi Ahlgren Almeida Andersen Aydin Bakker Banerjee Barros Becker Bergman Bianchi Blanc Borg Bradley
Brandt Castro Chen Costa Cruz Dahl Dalton Demir Diaz Dubois Eriksen Evans Farkas Ferrari Fischer Flores
Fontaine Fraser Garcia Gomes Gray Hall Hansen Hayashi Hoffmann Holm Hughes Ibrahim Ito Jansen Jensen Kaplan
Kaur Keller Kim Kovacs Kumar Larsen Laurent Lee Lehmann Lima Lopez Lund Marin Martins Mehta Meyer Molina
Moreau Moretti Murphy Nakamura Nguyen Nilsson Novak Obi Okafor Olsen Ortega Papadopoulos Park Patel Pereira
Petit Popescu Price Quinn Ramos Reid Ricci Rossi Roth Sato Schmidt Silva Simon Singh Soler Stone Svensson
Tanaka Torres Vega Vogel Walsh Weber Wong Yilmaz Young Zhang Zimmermann
""")

#: The two halves of user names that are not made of a person's name.
NAME_ADJECTIVES = _split("""
quiet little golden northern wild paper salty foggy slow lucky velvet hidden amber lazy silver rainy dusty
sunny blue electric wandering tiny distant early
""")
NAME_NOUNS = _split("""
harbor fox lantern tide meadow sparrow pine pocket kettle anchor comet orchard river bicycle window thistle
compass pebble lemon island postcard heron maple signal
""")

BIOS = (
    "Coffee, cameras, long walks.",
    "Chasing light.",
    "Mostly clouds.",
    "Baker by night, photographer by morning.",
    "Two dogs, one bicycle, no plan.",
    "Film when I can, phone when I can't.",
    "Somewhere between the sea and the station.",
    "Learning to look up.",
    "Architect. I photograph other people's stairs.",
    "Slow travel, fast trains.",
    "Botanist, on the lookout for weeds.",
    "Here for the sunsets.",
    "Nurse. Nights. Skies.",
    "Teacher on holiday, always.",
    "I cook, then I take a picture, then it is cold.",
    "Street corners and strangers' windows.",
    "",
    "",
    "",
    "",
)

COMMENTS = (
    "Beautiful!",
    "Wow, where is this?",
    "The light here 😍",
    "Love this",
    "So good",
    "Great shot!",
    "I need to go there",
    "This made my morning ☀️",
    "Those colors!",
    "❤️❤️❤️",
    "Amazing",
    "How did you get this?",
    "Frame this one",
    "Stunning 👏",
    "I was there last year, miss it",
    "Is that the old place by the river?",
    "Perfect timing",
    "Take me with you next time!",
    "What a view",
    "My favorite of yours so far",
    "Lovely composition",
    "😍😍",
    "Which filter is that?",
    "Looks like a painting",
    "So peaceful",
    "You have an eye for this",
    "Haha, love it",
    "Wish I was there right now",
    "Nice one!",
    "That sky 🔥",
    "The details are incredible",
    "Goals ✨",
    "This is so you",
    "Hope you had a great day!",
    "Saving this for inspiration",
    "Can't stop looking at it",
    "Simple and perfect",
    "👌👌",
    "Say hi from me!",
    "Now I want to travel again",
    "Gorgeous tones",
    "Well spotted",
    "Miss you! Call me",
    "Okay, this is unreal",
    "The best season of the year 🍂",
    "Bravo 👏👏",
    "More of these please",
    "Such a mood",
)

#: Words (as expressions) by which a real caption is left out: people it names, goods it sells, matters unfit here.
UNFIT_IN_CAPTIONS = _split(r"""
sale available order tickets? deals? shop dj booking rip god lord jesus christ\w* vote b-?day birthday trump
drunk shot sex ass hell damn wtf gym workout she he her him his girls? boys? guys? ladies husband wife married
wedding bride baby babies bab[ey] son daughter sister brother bro\w* mom mama dad fam\w* cousins? twins? team
game show concert band class halloween thanksgiving santa easter hair\w* tattoo makeup squad homies crew
client us me bae merch kids? child\w* lash bestie bag ride y.all king eclipse thirst\w* asf ftw ribs meat beer
tour app legs? butt dress logo kisses hoa follow giveaway win usa america army graduat\w* school college
church prom miss died cancer funeral man senior traffic vet excuses gnomes yeg yvr engine dudes? bible gang
deathsquad fair space pokemon pull
""")

#: What a picture may show, by words found in its file name or in a caption (";" separates those with spaces).
THEMES: dict[str, tuple[str, ...]] = {
    theme: tuple(sign.strip() for sign in signs.split(";"))
    for theme, signs in {
        "sunset": "sunset; sunrise; dawn; dusk; golden hour; evening glow",
        "sea": "beach; sea; ocean; pier; coast; surf; aqua; bay; lake; dune; wave; splashing",
        "mountain": "mountain; hike; hiking; trail; canyon; morskie; sherburne; picosdeeuropa; aitzgorri; cairn; "
        "summit; view",
        "garden": "flower; garden; hibiscus; buttercup; lily; periwinkle; wisteria; meadow; bloom; campanula; "
        "delphinium; thristle; thistle; botany; leaf; raindrops; spring; living-stones; petal; "
        "freshflower; yellowflower; greenmeadow",
        "city": "city; cityscape; street; downtown; building; tower; hotel; roof; window; piazza; casa; "
        "colosseum; parthenon; facade; staircase; skyline; bridge; architecture; museum; gallery",
        "animal": "dog; puppy; cat; kitty; otter; osprey; wren; bird; dragonfly; kleiber; friends-by; zoo; "
        "ladybird; wildlife",
        "food": "food; coffee; wine; spice; dinner; brunch; lunch; breakfast; tea; picture_1a; picture-1a",
        "night": "night; star; space; nasa; astronaut; rocket; spacex; moon",
    }.items()
}

#: Captions by theme; "" is for pictures that say nothing of themselves.
CAPTIONS: dict[str, tuple[str, ...]] = {
    "sunset": (
        "Last light. #sunset",
        "Worth getting up for ☀️",
        "No filter needed #goldenhour",
        "Five minutes later it was dark",
        "The sky showing off again #sky",
        "Caught it on the way home",
    ),
    "sea": (
        "Salt in my hair, sand in my shoes #sea",
        "The tide was out and so were we",
        "Cold water, warm tea after 🌊",
        "Could listen to this all day",
        "Blue on blue #ocean",
    ),
    "mountain": (
        "Up here #hiking",
        "Three hours up, one sandwich, no regrets",
        "The view from lunch ⛰",
        "Fresh air therapy #mountains",
        "My knees will remember this",
    ),
    "garden": (
        "First ones this year 🌼 #flowers",
        "After the rain #macro",
        "Found in a neighbor's garden",
        "Green is a mood",
        "Tiny things #nature",
    ),
    "city": (
        "Lines #architecture",
        "Monday commute",
        "Lost on purpose",
        "Look up! #city",
        "Quiet corner of a loud city",
        "Every window a story",
    ),
    "animal": (
        "He saw me first",
        "Best friends",
        "Caught mid-thought #animals",
        "Neighbors",
        "Stayed exactly three seconds",
    ),
    "food": (
        "Breakfast of champions ☕",
        "Sunday, slowly #coffee",
        "The good part of the day",
        "Home made, mostly",
    ),
    "night": (
        "Too many stars to count ✨",
        "Stayed up for this #nightsky",
        "Looking up",
    ),
    "": (
        "Today's small thing",
        "Keeping this one",
        "Somewhere new #travel",
        "Weekend ✨",
        "From the archive #latergram",
        "Just because",
        "Colors!",
        "One from this morning",
        "Photo of the day #potd",
        "Hello again",
    ),
}

#: Places with their latitude and longitude, degrees.
PLACES: dict[str, tuple[float, float]] = {
    "New York, New York": (40.7128, -74.0060),
    "Los Angeles, California": (34.0522, -118.2437),
    "Chicago, Illinois": (41.8781, -87.6298),
    "Atlanta, Georgia": (33.7490, -84.3880),
    "San Francisco, California": (37.7749, -122.4194),
    "Seattle, Washington": (47.6062, -122.3321),
    "Portland, Oregon": (45.5152, -122.6784),
    "Austin, Texas": (30.2672, -97.7431),
    "Houston, Texas": (29.7604, -95.3698),
    "Dallas, Texas": (32.7767, -96.7970),
    "Boston, Massachusetts": (42.3601, -71.0589),
    "Philadelphia, Pennsylvania": (39.9526, -75.1652),
    "Nashville, Tennessee": (36.1627, -86.7816),
    "New Orleans, Louisiana": (29.9511, -90.0715),
    "Denver, Colorado": (39.7392, -104.9903),
    "Las Vegas, Nevada": (36.1699, -115.1398),
    "Miami, Florida": (25.7617, -80.1918),
    "Miami Beach, Florida": (25.7907, -80.1300),
    "San Diego, California": (32.7157, -117.1611),
    "Santa Monica, California": (34.0195, -118.4912),
    "Washington, District of Columbia": (38.9072, -77.0369),
    "Brooklyn, New York": (40.6782, -73.9442),
    "Charleston, South Carolina": (32.7765, -79.9311),
    "Savannah, Georgia": (32.0809, -81.0912),
    "Orlando, Florida": (28.5384, -81.3789),
    "Minneapolis, Minnesota": (44.9778, -93.2650),
    "Detroit, Michigan": (42.3314, -83.0458),
    "Cleveland, Ohio": (41.4993, -81.6944),
    "Columbus, Ohio": (39.9612, -82.9988),
    "Pittsburgh, Pennsylvania": (40.4406, -79.9959),
    "Baltimore, Maryland": (39.2904, -76.6122),
    "St. Louis, Missouri": (38.6270, -90.1994),
    "Honolulu, Hawaii": (21.3069, -157.8583),
    "Scottsdale, Arizona": (33.4942, -111.9261),
    "Central Park": (40.7829, -73.9654),
    "Times Square, New York City": (40.7580, -73.9855),
    "Griffith Observatory": (34.1184, -118.3004),
    "The Golden Gate Bridge": (37.8199, -122.4783),
    "Brooklyn Bridge": (40.7061, -73.9969),
    "Grand Canyon National Park": (36.1069, -112.1129),
    "Joshua Tree National Park": (33.8734, -115.9010),
    "Zion National Park": (37.2982, -113.0263),
    "Yosemite National Park": (37.8651, -119.5383),
    "Rocky Mountain National Park": (40.3428, -105.6836),
    "Lake Tahoe": (39.0968, -120.0324),
    "Big Sur": (36.2704, -121.8081),
    "Venice Beach": (33.9850, -118.4695),
    "Wrigley Field": (41.9484, -87.6553),
    "Longwood Gardens": (39.8712, -75.6747),
    "Lisbon, Portugal": (38.7223, -9.1393),
    "Berlin, Germany": (52.5200, 13.4050),
    "Copenhagen, Denmark": (55.6761, 12.5683),
    "Kyoto, Japan": (35.0116, 135.7681),
    "Accra, Ghana": (5.6037, -0.1870),
}

#: What people write beside a report: one for each that the demo files.
REPORTS = (
    "Nothing but adverts, under every photo I look at.",
    "Leave people alone.",
    "This is my picture, I took it last summer.",
    "Not what my children should see.",
    "",
    "He threatens somebody in it.",
    "Posted this five times this week.",
    "Taken from a magazine.",
    "It is about my sister, and she does not want it here.",
    "",
    "Wrong place, wrong name, wrong everything.",
)
#: Captions of what the demo's moderator has removed, and of its copy by somebody else.
SPAM, SPAM_COPY = "Cheap pills, ask me", "Found this one in an old box"
