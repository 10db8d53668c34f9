"""Everyday sentences in many languages, to write witnesses of, and what tells the languages from each other.

All were written for this file. Languages of ten sentences or more may be asked for; the others have enough of them to
show that a row from elsewhere can be answered.
"""

from __future__ import annotations

from collections.abc import Mapping

SCRIPTS: Mapping[str, str] = {
    "Latin": "A-Za-z\u00aa\u00ba\u00c0-\u024f\u1e00-\u1eff",
    "Greek": "\u0370-\u03ff\u1f00-\u1fff",
    "Cyrillic": "\u0400-\u052f",
    "Hebrew": "\u0590-\u05ff",
    "Arabic": "\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufefc",
    "Devanagari": "\u0900-\u097f",
    "Bengali": "\u0980-\u09ff",
    "Gurmukhi": "\u0a00-\u0a7f",
    "Gujarati": "\u0a80-\u0aff",
    "Tamil": "\u0b80-\u0bff",
    "Telugu": "\u0c00-\u0c7f",
    "Kannada": "\u0c80-\u0cff",
    "Malayalam": "\u0d00-\u0d7f",
    "Thai": "\u0e00-\u0e7f",
    "Korean": "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af",
    "Chinese": "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff",
    "Japanese": "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff",
}
"""Name of a script to the ranges of its letters, as a class of a pattern holds them."""

LANGUAGES: Mapping[str, tuple[str, str]] = {
    "ar": ("Arabic", "Arabic"),
    "bg": ("Bulgarian", "Cyrillic"),
    "bn": ("Bengali", "Bengali"),
    "de": ("German", "Latin"),
    "el": ("Greek", "Greek"),
    "en": ("English", "Latin"),
    "es": ("Spanish", "Latin"),
    "fa": ("Persian", "Arabic"),
    "fi": ("Finnish", "Latin"),
    "fr": ("French", "Latin"),
    "gu": ("Gujarati", "Gujarati"),
    "he": ("Hebrew", "Hebrew"),
    "hi": ("Hindi", "Devanagari"),
    "it": ("Italian", "Latin"),
    "ja": ("Japanese", "Japanese"),
    "kn": ("Kannada", "Kannada"),
    "ko": ("Korean", "Korean"),
    "ml": ("Malayalam", "Malayalam"),
    "mr": ("Marathi", "Devanagari"),
    "ne": ("Nepali", "Devanagari"),
    "nl": ("Dutch", "Latin"),
    "pa": ("Punjabi", "Gurmukhi"),
    "pl": ("Polish", "Latin"),
    "pt": ("Portuguese", "Latin"),
    "ru": ("Russian", "Cyrillic"),
    "sv": ("Swedish", "Latin"),
    "sw": ("Swahili", "Latin"),
    "ta": ("Tamil", "Tamil"),
    "te": ("Telugu", "Telugu"),
    "th": ("Thai", "Thai"),
    "uk": ("Ukrainian", "Cyrillic"),
    "ur": ("Urdu", "Arabic"),
    "vi": ("Vietnamese", "Latin"),
    "zh": ("Chinese", "Chinese"),
}
"""Code of ISO 639-1 to the language's English name and its script."""

SMALL_WORDS: Mapping[str, frozenset[str]] = {
    code: frozenset(words.split())
    for code, words in {
        "de": "der die das und ist in zu den dem des nicht ein eine einen einem mit auf für von sich auch es an wir "
        "sie er ich ihr wird sind im am aus bei nach als wie oder aber wenn so noch nur über vor um zum zur kann man",
        "en": "the of and to in is a an that it for as with on was by are be this from or at not have has you we they "
        "he she his her their its but which can will if all one so no more when about there what your i my do",
        "es": "el la los las de del que y en a un una es no se por con para su al lo como más pero sus le o este esta "
        "si ya muy sin sobre también me hasta hay donde cuando todo nos son está fue ser mi porque cada",
        "fi": "ja on ei se että oli hän mutta niin kun myös tai ovat joka kuin jos sen vain olla ole nyt me he minä "
        "sinä ne tämä siitä sitä hyvin kanssa jo voi sekä mitä missä siellä joka kaikki paljon aina",
        "fr": "le la les de des du et à en un une est que qui dans il elle pour pas ne sur se ce au aux plus par avec "
        "son sa ses nous vous ils on mais ou si leur y je tu sont être très cette tout comme sans chaque",
        "it": "il lo la i gli le di del della dei che e è in un una per non con si da al alla come più ma anche se su "
        "sono nel nella ci o questo questa suo sua ha molto noi io loro quando ogni dove dopo senza tutti",
        "nl": "de het een en van in is dat op te zijn voor met die niet aan er om ook als dan maar bij uit door over "
        "naar hij ze we wij ik je of nog wel worden wordt was heeft kan deze dit zo zich elke onze mijn hun",
        "pl": "i w na nie się z do to że jest a o jak po co ale od za by dla tak już tylko przez przed czy ma są pod "
        "być go jego jej jako oraz który która które bardzo my oni każdy kiedy gdy tym u mnie nam",
        "pt": "o a os as de do da dos das e em um uma que é não se por com para no na nos nas ao mais mas como seu "
        "sua ou já muito também há está são foi ser me sem sobre quando cada isso ele ela eles nós à",
        "sv": "och i att det en ett som är på av för med den till inte har de vi om var han hon jag så men från kan "
        "när eller ska vid man sin sina efter också alla där nu bara mycket över under mellan utan varje",
        "sw": "ya na wa kwa ni za katika la cha kuwa hii huo hiyo wao yeye sisi mimi kila lakini au pia kama ili vya "
        "yake yao wake sana baada kabla wakati huu hapa pale si hata bila leo watu kitu mtu tu",
        "vi": "là và của có không được cho một các những trong với người khi để này đã như từ về trên rất chúng tôi "
        "bạn ở ra nhưng nếu thì cũng đang sẽ vào lại mỗi nhiều ngày đến hay bởi vì sau trước anh chị",
    }.items()
}
"""Frequent short words of the languages in Latin letters."""

_SENTENCES = {
    "de": """
        Heute scheint die Sonne über der ganzen Stadt. Wir trinken am Morgen gern eine Tasse Kaffee.
        Der Zug nach Berlin fährt in wenigen Minuten ab. Meine Schwester liest jeden Abend ein neues Buch.
        Im Garten wachsen Rosen und ein alter Apfelbaum. Das Wasser im See ist noch sehr kalt.
        Die Kinder spielen nach der Schule auf dem Hof. Er hat den Schlüssel auf dem Tisch vergessen.
        Am Wochenende besuchen wir unsere Freunde auf dem Land. Ohne Werkzeug lässt sich die Tür nicht reparieren.
        Das kleine Museum ist nur im Sommer geöffnet. Sie schreibt einen langen Brief an ihre Tante.""",
    "es": """
        Hoy brilla el sol sobre toda la ciudad. Por la mañana tomamos una taza de café en la cocina.
        El tren para Madrid sale dentro de pocos minutos. Mi hermana lee un libro nuevo cada semana.
        En el jardín crecen rosas y un viejo manzano. El agua del lago todavía está muy fría.
        Los niños juegan en el patio después de la escuela. Él ha olvidado las llaves sobre la mesa.
        El fin de semana visitamos a nuestros amigos en el campo. Sin herramientas no se puede reparar la puerta.
        El pequeño museo solo abre durante el verano. Ella escribe una carta larga a su tía.""",
    "fr": """
        Aujourd'hui le soleil brille sur toute la ville. Le matin nous buvons une tasse de café dans la cuisine.
        Le train pour Paris part dans quelques minutes. Ma sœur lit un nouveau livre chaque semaine.
        Dans le jardin poussent des roses et un vieux pommier. L'eau du lac est encore très froide.
        Les enfants jouent dans la cour après l'école. Il a oublié les clés sur la table.
        Le week-end nous rendons visite à nos amis à la campagne. Sans outils on ne peut pas réparer la porte.
        Le petit musée est ouvert seulement en été. Elle écrit une longue lettre à sa tante.""",
    "it": """
        Oggi il sole splende su tutta la città. La mattina beviamo una tazza di caffè in cucina.
        Il treno per Roma parte fra pochi minuti. Mia sorella legge un libro nuovo ogni settimana.
        Nel giardino crescono le rose e un vecchio melo. L'acqua del lago è ancora molto fredda.
        I bambini giocano nel cortile dopo la scuola. Lui ha dimenticato le chiavi sul tavolo.
        Nel fine settimana andiamo a trovare i nostri amici in campagna. Senza attrezzi non si può riparare la porta.
        Il piccolo museo è aperto solo in estate. Lei scrive una lunga lettera a sua zia.""",
    "ja": """
        今日は町じゅうに日が差しています。朝はいつも台所でコーヒーを飲みます。東京行きの電車はもうすぐ出発します。
        妹は毎週新しい本を読んでいます。庭にはバラと古いリンゴの木があります。湖の水はまだとても冷たいです。
        子どもたちは放課後に校庭で遊びます。彼は机の上に鍵を忘れました。週末には田舎の友だちを訪ねます。
        道具がなければドアを直すことはできません。その小さな博物館は夏だけ開いています。母は祖母に長い手紙を書きました。""",
    "nl": """
        Vandaag schijnt de zon over de hele stad. In de ochtend drinken we een kop koffie in de keuken.
        De trein naar Utrecht vertrekt over een paar minuten. Mijn zus leest elke week een nieuw boek.
        In de tuin groeien rozen en een oude appelboom. Het water in het meer is nog erg koud.
        De kinderen spelen na school op het plein. Hij heeft de sleutels op de tafel laten liggen.
        In het weekend bezoeken we onze vrienden op het platteland. Zonder gereedschap kun je de deur niet repareren.
        Het kleine museum is alleen in de zomer open. Zij schrijft een lange brief aan haar tante.""",
    "pt": """
        Hoje o sol brilha sobre toda a cidade. De manhã tomamos uma xícara de café na cozinha.
        O trem para Lisboa parte em poucos minutos. Minha irmã lê um livro novo a cada semana.
        No jardim crescem rosas e uma velha macieira. A água do lago ainda está muito fria.
        As crianças brincam no pátio depois da escola. Ele esqueceu as chaves em cima da mesa.
        No fim de semana visitamos os nossos amigos no campo. Sem ferramentas não se pode consertar a porta.
        O pequeno museu só abre no verão. Ela escreve uma longa carta para a sua tia.""",
    "ru": """
        Сегодня над всем городом светит солнце. Утром мы пьём кофе на кухне.
        Поезд в Москву отправляется через несколько минут. Моя сестра каждую неделю читает новую книгу.
        В саду растут розы и старая яблоня. Вода в озере ещё очень холодная.
        Дети играют во дворе после школы. Он забыл ключи на столе.
        В выходные мы навещаем наших друзей в деревне. Без инструментов нельзя починить дверь.
        Маленький музей открыт только летом. Она пишет длинное письмо своей тёте.""",
    "sv": """
        I dag skiner solen över hela staden. På morgonen dricker vi en kopp kaffe i köket.
        Tåget till Stockholm går om några minuter. Min syster läser en ny bok varje vecka.
        I trädgården växer rosor och ett gammalt äppelträd. Vattnet i sjön är fortfarande mycket kallt.
        Barnen leker på gården efter skolan. Han har glömt nycklarna på bordet.
        På helgen besöker vi våra vänner på landet. Utan verktyg kan man inte laga dörren.
        Det lilla museet är bara öppet på sommaren. Hon skriver ett långt brev till sin moster.""",
    "zh": """
        今天整个城市都有阳光。早上我们在厨房里喝一杯咖啡。去北京的火车几分钟后就要出发了。我的妹妹每个星期都读一本新书。
        花园里有玫瑰和一棵老苹果树。湖里的水还很冷。孩子们放学以后在院子里玩。他把钥匙忘在桌子上了。
        周末我们去乡下看望朋友。没有工具就不能修好这扇门。那座小博物馆只在夏天开放。她给姑姑写了一封很长的信。""",
    "ar": """
        الشمس مشرقة اليوم فوق المدينة كلها. نشرب القهوة في المطبخ كل صباح.
        تقرأ أختي كتابا جديدا كل أسبوع. يلعب الأطفال في الساحة بعد المدرسة. نزور أصدقاءنا في القرية يوم الجمعة.""",
    "bg": """
        Днес слънцето грее над целия град. Сутрин пием кафе в кухнята. Сестра ми чете нова книга всяка седмица.
        Децата играят на двора след училище. В събота ще посетим нашите приятели на село.""",
    "bn": """
        আজ সারা শহরে রোদ উঠেছে। আমরা প্রতিদিন সকালে চা খাই। আমার বোন প্রতি সপ্তাহে একটি নতুন বই পড়ে।
        শিশুরা স্কুলের পরে মাঠে খেলা করে।""",
    "el": """
        Σήμερα ο ήλιος λάμπει πάνω από όλη την πόλη. Το πρωί πίνουμε καφέ στην κουζίνα.
        Η αδελφή μου διαβάζει ένα νέο βιβλίο κάθε εβδομάδα. Τα παιδιά παίζουν στην αυλή μετά το σχολείο.""",
    "fa": """
        امروز آفتاب بر همه شهر می‌تابد. ما هر روز صبح در آشپزخانه چای می‌نوشیم.
        خواهرم هر هفته یک کتاب تازه می‌خواند. بچه‌ها بعد از مدرسه در حیاط بازی می‌کنند.""",
    "fi": """
        Tänään aurinko paistaa koko kaupungin yllä. Aamulla me juomme kahvia keittiössä.
        Siskoni lukee uuden kirjan joka viikko. Lapset leikkivät pihalla koulun jälkeen ja he ovat iloisia.
        Järven vesi on vielä hyvin kylmää, mutta se ei haittaa.""",
    "gu": """
        આજે આખા શહેરમાં તડકો છે. અમે દરરોજ સવારે ચા પીએ છીએ. મારી બહેન દર અઠવાડિયે એક નવું પુસ્તક વાંચે છે.
        બાળકો શાળા પછી મેદાનમાં રમે છે.""",
    "he": """
        היום השמש זורחת מעל כל העיר. בכל בוקר אנחנו שותים קפה במטבח. אחותי קוראת ספר חדש בכל שבוע.
        הילדים משחקים בחצר אחרי בית הספר.""",
    "hi": """
        आज पूरे शहर में धूप निकली है। हम हर सुबह रसोई में चाय पीते हैं। मेरी बहन हर हफ़्ते एक नई किताब पढ़ती है।
        बच्चे स्कूल के बाद मैदान में खेलते हैं। झील का पानी अभी भी बहुत ठंडा है।""",
    "kn": """
        ಇಂದು ಇಡೀ ನಗರದಲ್ಲಿ ಬಿಸಿಲು ಇದೆ. ನಾವು ಪ್ರತಿದಿನ ಬೆಳಿಗ್ಗೆ ಕಾಫಿ ಕುಡಿಯುತ್ತೇವೆ. ನನ್ನ ತಂಗಿ ಹೊಸ ಪುಸ್ತಕ ಓದುತ್ತಾಳೆ.
        ಮಕ್ಕಳು ಶಾಲೆಯ ನಂತರ ಆಟ ಆಡುತ್ತಾರೆ.""",
    "ko": """
        오늘은 온 도시에 햇빛이 비칩니다. 우리는 아침마다 부엌에서 커피를 마십니다.
        제 여동생은 매주 새 책을 읽습니다. 아이들은 학교가 끝난 뒤 운동장에서 놉니다.""",
    "ml": """
        ഇന്ന് നഗരത്തിൽ നല്ല വെയിലാണ്. ഞങ്ങൾ എല്ലാ ദിവസവും രാവിലെ ചായ കുടിക്കുന്നു.
        എന്റെ സഹോദരി ഒരു പുതിയ പുസ്തകം വായിക്കുന്നു. കുട്ടികൾ സ്കൂളിന് ശേഷം കളിക്കുന്നു.""",
    "mr": """
        आज संपूर्ण शहरात ऊन पडले आहे. आम्ही रोज सकाळी स्वयंपाकघरात चहा पितो. माझी बहीण दर आठवड्याला नवीन पुस्तक वाचते.
        मुले शाळेनंतर मैदानावर खेळतात. तलावाचे पाणी अजूनही खूप थंड आहे.""",
    "ne": """
        आज सहरभरि घाम लागेको छ। हामी हरेक बिहान भान्सामा चिया पिउँछौं। मेरी बहिनीले हरेक हप्ता नयाँ किताब पढ्छिन्।
        केटाकेटीहरू विद्यालयपछि चौरमा खेल्छन्। तालको पानी अझै धेरै चिसो छ।""",
    "pa": """
        ਅੱਜ ਸਾਰੇ ਸ਼ਹਿਰ ਵਿੱਚ ਧੁੱਪ ਹੈ। ਅਸੀਂ ਹਰ ਰੋਜ਼ ਸਵੇਰੇ ਚਾਹ ਪੀਂਦੇ ਹਾਂ। ਮੇਰੀ ਭੈਣ ਹਰ ਹਫ਼ਤੇ ਇੱਕ ਨਵੀਂ ਕਿਤਾਬ ਪੜ੍ਹਦੀ ਹੈ।
        ਬੱਚੇ ਸਕੂਲ ਤੋਂ ਬਾਅਦ ਮੈਦਾਨ ਵਿੱਚ ਖੇਡਦੇ ਹਨ।""",
    "pl": """
        Dzisiaj słońce świeci nad całym miastem. Rano pijemy kawę w kuchni, a potem idziemy do pracy.
        Moja siostra czyta co tydzień nową książkę. Dzieci bawią się na podwórku po szkole.
        Woda w jeziorze jest jeszcze bardzo zimna.""",
    "sw": """
        Leo jua linawaka juu ya mji wote. Kila asubuhi tunakunywa chai jikoni.
        Dada yangu anasoma kitabu kipya kila wiki. Watoto wanacheza uwanjani baada ya shule.
        Maji ya ziwa bado ni baridi sana.""",
    "ta": """
        இன்று நகரம் முழுவதும் வெயில் அடிக்கிறது. நாங்கள் தினமும் காலையில் காபி குடிக்கிறோம்.
        என் தங்கை ஒரு புதிய புத்தகம் படிக்கிறாள். குழந்தைகள் பள்ளிக்குப் பிறகு விளையாடுகிறார்கள்.""",
    "te": """
        ఈ రోజు నగరమంతా ఎండగా ఉంది. మేము ప్రతి రోజు ఉదయం కాఫీ తాగుతాము. మా చెల్లి కొత్త పుస్తకం చదువుతుంది.
        పిల్లలు బడి తర్వాత ఆడుకుంటారు.""",
    "th": """
        วันนี้แดดออกทั่วทั้งเมือง. เราดื่มกาแฟในครัวทุกเช้า. น้องสาวของฉันอ่านหนังสือเล่มใหม่ทุกสัปดาห์.
        เด็ก ๆ เล่นที่สนามหลังเลิกเรียน.""",
    "uk": """
        Сьогодні над усім містом світить сонце. Вранці ми п'ємо каву на кухні. Моя сестра щотижня читає нову книжку.
        Діти граються на подвір'ї після школи. Вода в озері ще дуже холодна.""",
    "ur": """
        آج پورے شہر میں دھوپ نکلی ہے۔ ہم ہر صبح باورچی خانے میں چائے پیتے ہیں۔
        میری بہن ہر ہفتے ایک نئی کتاب پڑھتی ہے۔ بچے اسکول کے بعد میدان میں کھیلتے ہیں۔""",
    "vi": """
        Hôm nay trời nắng trên khắp thành phố. Mỗi buổi sáng chúng tôi uống cà phê trong bếp.
        Em gái của tôi đọc một quyển sách mới mỗi tuần. Trẻ em chơi ở sân sau giờ học.""",
}


def _cut(text: str) -> tuple[str, ...]:
    """The sentences of an entry; each ends with a stop of its script."""
    out, sentence = list[str](), ""
    for letter in " ".join(text.split()):
        sentence += letter
        if letter in ".。।۔":
            out.append(sentence.strip())
            sentence = ""
    return tuple(out)


PHRASES: Mapping[str, tuple[str, ...]] = {code: _cut(text) for code, text in _SENTENCES.items()}
"""Language to sentences in it."""
