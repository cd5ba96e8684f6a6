"""Tables of slips: keyboard neighbours, confusions of optical character recognition, misspellings.

Facts of the QWERTY layout, of letter shapes and of English spelling; the selection is our own.
"""

from __future__ import annotations

from collections.abc import Mapping

_ROWS = ("1234567890-", "qwertyuiop[", "asdfghjkl;'", "zxcvbnm,./")
# The shift of each row of a keyboard to the right of the first row, in keys.
_OFFSETS = (0.0, 0.5, 0.75, 1.25)


def _neighbours() -> dict[str, str]:
    """For each key those whose centre is within 1.27 keys; letters have letters, digits have digits."""
    places = {
        key: (column + offset, row)
        for row, (keys, offset) in enumerate(zip(_ROWS, _OFFSETS, strict=True))
        for column, key in enumerate(keys)
    }
    near: dict[str, str] = {}
    for key, (x, y) in places.items():
        if key.isalnum():
            near[key] = "".join(
                other
                for other, (p, q) in places.items()
                if other != key and other.isalpha() == key.isalpha() and (x - p) ** 2 + (y - q) ** 2 <= 1.6
                and other.isalnum()
            )  # fmt: skip
    return near | {key.upper(): keys.upper() for key, keys in near.items() if key.isalpha()}


KEYBOARD: Mapping[str, str] = _neighbours()

# Single characters with their possible misreadings.
OCR: Mapping[str, tuple[str, ...]] = {
    "0": ("O", "o"), "1": ("l", "I"), "2": ("Z", "z"), "3": ("8",), "4": ("A",), "5": ("S", "s"), "6": ("b", "G"),
    "7": ("T", "1"), "8": ("B", "3"), "9": ("g", "q"),
    "a": ("o", "e"), "b": ("6", "h"), "c": ("e", "o"), "d": ("cl",), "e": ("c", "o"), "f": ("t",), "g": ("9", "q"),
    "h": ("b", "li"), "i": ("l", "1", "j"), "j": ("i",), "k": ("lc",), "l": ("1", "I", "i"), "m": ("rn", "nn"),
    "n": ("ri", "u"), "o": ("0", "c"), "p": ("n",), "q": ("g", "9"), "r": ("n",), "s": ("5",), "t": ("f", "l"),
    "u": ("n", "ii"), "v": ("y",), "w": ("vv",), "y": ("v",), "z": ("2",),
    "B": ("8", "E"), "C": ("G", "O"), "D": ("O", "0"), "E": ("F", "B"), "F": ("P", "E"), "G": ("6", "C"), "H": ("N",),
    "I": ("l", "1"), "J": ("I",), "K": ("X",), "L": ("I",), "M": ("N",), "N": ("M", "H"), "O": ("0", "Q"), "P": ("F",),
    "Q": ("O",), "R": ("P",), "S": ("5",), "T": ("7", "I"), "U": ("V",), "V": ("U", "Y"), "W": ("VV",), "X": ("K",),
    "Y": ("V",), "Z": ("2",),
}  # fmt: skip

# Pairs of characters that are misread as one.
OCR_PAIRS: Mapping[str, str] = {
    "rn": "m", "nn": "m", "cl": "d", "vv": "w", "VV": "W", "ri": "n", "li": "h", "ii": "u", "lc": "k",
}  # fmt: skip

# Marks with their possible confusions.
PUNCTUATION: Mapping[str, tuple[str, ...]] = {
    ".": (",", ".."), ",": (";", "."), ";": (",", ":"), ":": (";", "."), "!": (".", "?"), "?": ("!", "."),
    '"': ("'", "''"), "'": ("`", '"'), "`": ("'",), "``": ('"', "''"), "''": ('"', "'"), "(": ("[", "{"),
    ")": ("]", "}"), "[": ("(",), "]": (")",), "-": ("--", "_"), "--": ("-", "—"), "–": ("-", "—"), "—": ("-", "--"),
    "...": ("..", "…"), "…": ("...", ".."), "/": ("\\", "|"), "“": ('"', "„"), "”": ('"', "“"), "’": ("'", "`"),
    "‘": ("'", "`"), "，": ("、", ","), "。": ("，", "."), "、": ("，", "。"), "；": ("，", ";"), "：": ("；", ":"),
    "！": ("。", "!"), "？": ("！", "?"), "،": ("؛", ","), "؛": ("،", ";"), "؟": ("?", "."), "।": (".", "॥"),
}  # fmt: skip

_MISSPELLED = """
absence abscence,absense; acceptable acceptible; accessible accessable; accidentally accidently; accommodate acommodate
accommodation accomodation; accompany acompany; according acording; account acount; achieve acheive; achieved acheived
achievement acheivement; acknowledge acknowlege; acquire aquire; acquired aquired; acquisition aquisition
across accross; actually actualy; address adress; addresses adresses; advertisement advertisment; advice advise
affect effect; against agianst; aggression agression; aggressive agressive; agreement agreemnt,aggreement
aircraft aircarft; allegiance allegience; almost allmost; already allready; although altough; always allways
amateur amature; among amoung; amount ammount; analysis analisis; announced anounced,annouced; annual anual
apparent apparant; apparently apparantly; appearance appearence; application aplication; appointed apointed
approximately aproximately; argument arguement; around arround; arrived arived; assassination assasination
attendance attendence; attempt attemt; author auther; authority authorty; autumn autum; average avarage
basically basicly; battalion batallion; beautiful beatiful,beautifull; because becuase,becasue; becoming becomming
before befor; beginning begining; behaviour behavoir; behavior behavoir; being bieng; belief beleif; believe beleive
believed beleived; beneficial benificial; benefit benifit; between beetween,betwen; bizarre bizzare; business buisness
businesses buisnesses; calendar calender; campaign campain; candidate canidate; capital captial; career carreer
caribbean carribean; category catagory; cemetery cemetary; central cental; century centruy; certain certian
chairman chariman; challenge challange; championship champoinship; changing changeing; character charachter
chief cheif; children childern; chocolate choclate; citizen citzen; colleague collegue; colleagues collegues
coming comming; commission comission; commitment committment; committed commited; committee commitee,comittee
common comon; community comunity; company comapny; comparison comparision; competition compitition
completely completly; conference conferance; congratulations congradulations; conscience concience
conscious concious; consensus concensus; consumer cosumer; continue contiune; control controll
controversy contraversy; convenient convienient; could coud; council councel; country contry; criticism critisism
criticize critisize; current curent; currently currenly; deceive decieve; decision decison,descision
defence defense; defendant defendent; definitely definately,definitly; definition defination; democracy democrasy
department departement; describe discribe; description discription; desperate desparate; development developement
develop develope; difference diffrence; different diferent,diffrent; difficult dificult; dilemma dilemna
disappear dissapear; disappeared dissapeared; disappoint dissapoint; disappointed dissapointed; disaster disater
disease desease; division divison; during durring; earlier ealier; early earley; economic econmic; economy ecomony
education educaton; effort effert; eighth eigth; eliminate elimanate; embarrass embarass; embarrassed embarased
emergency emergancy; encourage encourge; enough enought; enterprise enterprize; entirely entirly
environment enviroment,enviornment; equipment equiptment; especially especialy,expecially; everything everthing
evidence evidance; exaggerate exagerate; exceed excede; excellent excelent; except exept; exchange exhange
excitement excitment; exercise excercise; existence existance; expect exspect; expected exepcted; expense expence
experience experiance; experienced experianced; explanation explaination; export exprot; extremely extremly
familiar familar; family familly; famous famouse; favourite favourit; february febuary; federal fedaral; field feild
fierce feirce; final finnal; finally finaly; financial finacial; first frist; fluorescent florescent; foreign foriegn
foreigner foriegner; former formar; forty fourty; forward foward; fourth forth; friday firday; friend freind
friends freinds; fulfil fullfil; fulfill fullfil; further furthur; generally generaly; genius genious
government goverment,govenment; governor govenor; grammar grammer; grateful greatful; group gruop
guarantee garantee,guarentee; guard gaurd; guidance guidence; happened happend; harass harrass; height heigth
hierarchy heirarchy; hospital hosptial; humorous humerous; hundred hunderd; hygiene hygeine; identity idenity
immediately immediatly,imediately; immigrant imigrant; important importent,improtant; incident incedent
including inculding; incredible incredable; independence independance; independent independant; industry indutry
information infomation,informaton; inoculate innoculate; intelligence inteligence; interest intrest
interesting intresting; international internatinal,internation; interrupt interupt; introduce inroduce
investigation investigaton; investment investement; irrelevant irrelevent; island iland; itself itslef; january janurary
jewellery jewelery; journalist jounalist; judgement judgemant; knowledge knowlege; known knwon; labour laber
language langauge; later latter; leader leder; league leauge; leisure liesure; length lenght; level leval
liaison liason; library libary; license lisence; lightning lightening; likely likley; literature literiture
little litle; losing loosing; lose loose; maintenance maintainance,maintenence; majority majorty; manager manger
management managment; manoeuvre manouver; many mnay; march macrh; market makret; marriage marrige; match mtach
medicine medecine; medieval midieval; meeting meating; member memeber; members memebers; memory memmory
message mesage; million millon; millennium millenium; miniature minature; minister minster,ministir; minute minuite
mischievous mischievious; misspell mispell; modern modren; monday modnay; money mony; month mounth; morning mornign
mountain moutain; murder muder; naturally naturaly; necessary neccessary,necesary; negotiation negociation
neighbour nieghbour; neither niether; ninety ninty; ninth nineth; noticeable noticable; november novemeber
nuclear nucular; number numebr; occasion occassion,ocasion; occasionally occassionally; occur occurr; occurred occured
occurrence occurence; october ocotber; offered offerred; office offce; official offical; officials officals
often offen; omission ommission; opened openned; operation opertaion; opinion opinon; opponent oponent
opportunity oppertunity,oportunity; opposition oposition; organization orginization; organisation orginisation
original orignal; other ohter; parallel paralell; parliament parliment; particular perticular,particuler
particularly particulary; peace peice; people poeple,peopel; perform preform; performance performence
permanent permenant; perseverance perserverance; personal personel; personnel personell; persuade pursuade
piece peice; player palyer; players palyers; playing palying; pleasant plesant; police polcie; policy polciy
political politcal; politician politican; population populaton; possess posess; possession posession
possible possable,posible; potatoes potatos; practice pratice; precede preceed; preferred prefered
preparation preperation; presence presense; president presidant,presidnet; previous previus; price prcie
principal principle; privilege priviledge; probably probaly,probly; problem probelm; proceed procede; process proccess
produce prodcue; professional profesional; professor proffesor; programme progamme; promise promiss
pronunciation pronounciation; propaganda propoganda; protest portest; psychology phsycology; public pubilc
publicly publically; published publised; quarter quater; question queston; questionnaire questionaire; quiet quite
quite quiet; really realy; realise realize; reason reson; receipt reciept; receive recieve; received recieved
recent recnet; recently recenty; recognise reconise; recommend reccomend,recomend; recommended reccomended
record recrod; referee refree; reference referance; referred refered; region regoin; relevant relevent
religious religous; remember rember; reminiscent reminescent; repetition repitition; report reprot
reporter repoter; reported reproted; representative representitive; republic repulic; resistance resistence
responsibility responsability; responsible responsable; restaurant restaraunt,restaurent; result reuslt
results reuslts; rhythm rythm,rhythym; sandwich sandwhich; saturday saterday; scene sceen; schedule schedual
science sceince; scissors sissors; season saeson; second secound; secretary secratery,secretery; security secruity
seize sieze; senate senite; separate seperate; separately seperately; september septmeber; sergeant sargent
several severel; shares shraes; should shoud; siege seige; similar similer,simular; sincerely sincerly; soldier solider
soldiers soliders; something somthing; souvenir suvenir; special speical; specifically specificaly; spokesman spokesmen
statement statment; strength strenght; strategy stratagy; stubbornness stubborness; success sucess
successful succesful,sucessful; successfully succesfully; sufficient sufficent; supersede supercede; support suport
supposed suposed; surprise suprise; surprised suprised; surveillance surveilance; survived survied; suspect supsect
symbol simbol; system sytem,systme; talks taks; target traget; technique tecnique; temperature temprature
temporary temporery; tendency tendancy; territory teritory; than then; their thier; themselves themselfs
there thier; therefore therefor; they tehy; third thrid; thorough through; thousand thousend; threshold threshhold
through trough,thru; thursday thrusday; tomorrow tommorow,tommorrow; tonight tonite; tournament tournement
towards twords; traffic trafic; transferred transfered; tragedy tradgedy; truly truely; tuesday teusday; twelfth twelth
tyranny tyrany; unanimous unanimious; unfortunately unfortunatly; united untied; university univeristy; until untill
usually usualy; vaccine vacine; vacuum vaccum; vegetable vegtable; vehicle vehical; vicious viscious; victory vicotry
village vilage; violence voilence; visible visable; voluntary volantary; warrant warrent; weather wether
wednesday wensday,wednsday; weird wierd; welcome wellcome; welfare wellfare; where wehre; whether wether; which wich
while whlie; whole hole; willing wiling; with wiht; withdrawal withdrawl; without wihtout; woman women; would woud
writing writting; written writen; yesterday yesteday; yield yeild
"""

MISSPELLINGS: Mapping[str, tuple[str, ...]] = {
    word: tuple(wrong.split(","))
    for line in _MISSPELLED.strip().split("\n")
    for word, wrong in (pair.split() for pair in line.split(";"))
}
