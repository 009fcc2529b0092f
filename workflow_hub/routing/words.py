"""The words by which prompts ask, explain or want something done: one table for each language.

Each entry is a list of regular expressions, separated by blanks; `_` stands for one blank in the
text. Everything is lower case. What a field means:

    lead      courtesy before the sentence proper, skipped
    polite    a question or wish that is a request: "could you …"
    howto     asks how or whether, so that the asker can do it: never a request, whatever follows
    question  asks something; a request only if the answer lies in the project, the machine or the web
    explain   wants words: judged like a question
    compose   wants something written in the chat, unless it is to be put somewhere
    material  works on a text that comes after a colon
    does      verbs that mean the need whatever their object is
    vague     verbs that mean doing only with an object from `things`
    things    what can be worked on: files, programs and machines, services
    state     what only a look at the project, the machine or the web can tell
    here      points at the project
    owned     possessives: a question about such a thing has its answer in the project
    small     words that no request begins with, though an object may follow them
    all       determiners and pronouns that point at something which the asker has in mind
    texts     objects that are made of words or numbers: never files
    attached  points at what the prompt itself quotes
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """One language's table; see the module's first lines."""

    lead: str
    polite: str
    howto: str
    question: str
    explain: str
    compose: str
    material: str
    does: dict[str, str]
    vague: str
    things: dict[str, str]
    state: dict[str, str]
    here: str
    owned: str
    small: str
    all: str
    texts: str
    attached: str
    clauses: str | None  # verbs count only after these, or at the start; None: anywhere
    spaced: bool = True  # words are separated by blanks


ENGLISH = Words(
    lead="""hi hello hey thanks thank_you ok okay so also and now first then next well great sorry just
        kindly please pls plz quick_question again finally""",
    polite="""(?:can|could|would|will)_(?:you|u|we)(?:_(?:please|pls|plz|kindly|also|just|maybe|perhaps|quickly))?(?:_mind)?
        i(?:'d|_would)_(?:like|love|want)_(?:you_)?to i_(?:want|need)_(?:you_)?to i_wish_you_would
        would_it_be_possible_to we_(?:need|want|have|ought)_to let's let_us please pls plz kindly
        go_ahead_and help_(?:me|us)(?:_to)? your_(?:task|job|goal)_is_to
        i_need_(?:your_)?help_(?:to|with) feel_free_to remember_to don't_forget_to
        (?:can|could)_(?:someone|somebody) is_it_possible_for_you_to
        it_would_be_(?:great|nice)_if_you_(?:could|would) you_(?:should|must|need_to|have_to|can)""",
    howto="""(?:explain|describe|tell_me|show_me|teach_me|telling_me|explaining)(?:_to_me)?_how_(?:to|i|one|you)_?
        how_(?:do|can|could|should|would|to|come|might|must)_? how_is_it how's_it
        (?:should|shall|must|may|can|could|might|do|would)_(?:i|one)_ can_we_ should_(?:we|my|our)_
        (?:is|are|was|would|isn't)_(?:it|this|that)_(?:still_)?(?:an?_|the_)?(?:safe|ok|okay|fine|possible|better|best|worth|good)
        (?:is|are|was|would|isn't)_(?:it|this|that)_(?:an?_|the_)?(?:bad|sensible|reasonable|dangerous|normal|right|wrong|legal)
        (?:is|are)_there_(?:an?_|any_)?(?:good_|simple_|easy_)?(?:ways?|difference|command|reason|built-?in|alternatives?|tools?|option)
        (?:is|are)_there_(?:an?_|any_)?(?:flag|library|point|rule|way)
        what(?:'s|_is|_are|_would_be|_was)_(?:the_|a_|an_)?(?:usual_|most_|general_)?(?:best|commands?|syntax|difference|right|proper)
        what(?:'s|_is|_are|_would_be|_was)_(?:the_|a_|an_)?(?:easiest|recommended|point|purpose|idea|pros|advantages?|benefits?)
        what(?:'s|_is|_are|_would_be|_was)_(?:the_|a_|an_)?(?:correct|fastest|simplest|good|common|typical|way|meaning)
        what_(?:usually_)?(?:happens|would|could|will|makes|causes|should|to) what_do_i
        what_(?:do|does)_.{0,60}_mean any_(?:idea|tips?|advice|reason|suggestions?|thoughts?)
        why_(?:would|should|do_i) when_(?:should|would|do|does|is|i|you|we)_ if_(?:i|you|we|one)_
        are_you_able do_you_(?:know|think|recommend|have) where_(?:do|can|should)_i_ is_there_an?_
        (?:can|could|are|do)_you_(?:able_to_)?(?:access|browse|see|run|execute|use|read|edit)_(?:my_|the_|any_)?(?:files?|(?:shell_)?commands?|code|tools?|web|internet)_?[?]+$
        what_(?:can|tools|kind|else|exactly)_(?:can_|do_|are_)?you_ in_which_cases""",
    question="""what(?:'s|s)? who(?:'s)? whose why how where when which is are was were does
        do(?=_(?:i|you|we|they|the|our|these|those|all|any)_) did has have will would should can could
        in_which whats wat""",
    explain="""explain describe tell_(?:me|us) teach show_(?:me|us)_how
        help_(?:me|us)_(?:to_)?(?:understand|see|decide|learn) walk_(?:me|us)_through run_me_through
        talk_me_through update_me_on understand learn know define elaborate remind_me discuss clarify
        mind_explaining explaining telling let_me_know interpret justify argue enlighten
        give_me_an_(?:idea|overview) choose pick think hear imagine pretend act_as talk chat""",
    compose="""write draft compose generate produce come_up_with give(?:_me|_us)? show_(?:me|us) suggest
        propose recommend create make(?!_(?:it|so|the|our|all|every|them|sure|this|these)_)
        build(?!_(?:it|the|our|all|everything)) implement(?!_(?:the|our|this|all)_) design invent name
        outline prepare sketch list(?!_(?:the|all|every|our|my)_) provide i_(?:need|want)
        i(?:'d|_would)_like we_(?:need|want) i_am_looking_for i'm_looking_for need code brainstorm
        summari[sz]e translate compare""",
    material="""translate summari[sz]e sum_up correct proofread re-?phrase reword paraphrase rewrite
        classify complete simplify shorten polish sort merge fix review look_at read reply answer
        continue extract tl;?dr explain analy[sz]e convert count debug check improve refactor clean_up
        format optimi[sz]e solve compute calculate""",
    does={
        "files": """renam(?:e|ing) delet(?:e|ing) remov(?:e|ing) refactor(?:ing)? restructure
            mov(?:e|ing) replac(?:e|ing) migrat(?:e|ing) upgrade revert sav(?:e|ing) edit modify patch
            overwrite copy get_rid_of clean_up split(?:_up)? extract reorgani[sz]e document scaffold
            track_down go_through look_through grep wipe purge erase port modernise modernize rewire
            rip_out swap factor_out pull_out inline consolidate dedupe deduplicate prune""",
        "terminal": """run re-?run running execute launch install uninstall re-?install deploy commit
            push pull squash rebase cherry-?pick stash bisect restart reboot kill rebuild compile start
            stop serve ssh lint profile benchmark measure activate bump schedule zip unzip
            apply_(?:this|the|these|that)_(?:patch|diff|changes?) undo check_?out init initiali[sz]e
            retry ping chmod tail try_(?:it|that|this)_again provision roll_back spin_up shut_down reset
            tar whoami""",
        "mcp": """google dm browse book reply_to assign subscribe download fetch post tweet send publish
            look_up search_(?:the_)?(?:web|internet|online) take_a_screenshot navigate visit go_to log_in
            query invite notify e-?mail upload message ask_(?:the_)?(?:server|service|api)""",
    },
    vague="""fix repair change update add check find search look list count open read make create convert
        merge review test use set turn bring switch close improve optimi[sz]e analy[sz]e inspect
        investigate debug enable disable put include introduce implement adapt adjust apply follow see
        verify ensure find_out find_where handle print display show show_me give_me build write format
        generate insert append tidy tidy_up drop bring_up get correct sort complete diagnose figure_out
        work_out align resolve address configure monitor watch scan audit locate identify clear rewrite
        simplify collect finish keep increase decrease raise lower extend shorten store pin expose wrap
        drop support document suggest propose set_up setup do reformat prettify mark connect call
        make_sure try look have_a_look take_a_look wire_up hook_up toggle unify trim archive back_up sync
        regenerate reproduce register integrate mock cover annotate comment_out uncomment indent reorder
        rearrange reload seed populate truncate dump export import load attach dockeri[sz]e
        containeri[sz]e cut tag ship sort_out adopt bundle bring_back bring_in take care_for get_to
        ensure_that implement_the""",
    things={
        "files": """files? folders? director(?:y|ies) repo(?:s|sitory)? project code code_?base source
            sources modules? packages? imports? docs documentation readme change-?log
            config(?:s|uration)? settings? scripts? class(?:es)? functions? methods? components?
            variables? endpoints? footer header front-?end back-?end templates? docstrings? todos?
            type_hints typos? bugs? licen[sc]e copyright stylesheet api dependenc(?:y|ies) form
            (?:every_)?places?_where occurrences? usages? calls? callers? references? retry_logic routes?
            handlers? models? views? app application button dockerfile makefile migrations?
            error_messages? strings headers? pages types workspace password logs? gitignore
            implementation page feature timeouts? worker(?:s)? parser cli flags? schema website_header
            constants? lines_of_code""",
        "terminal": """tests? test_suite build ci pipeline servers? containers? docker process(?:es)?
            ports? branch(?:es)? commits? git changes environment venv virtualenv cron_job disk services?
            npm pip pytest cargo docker-compose daemon database db jobs? cluster deployment machine
            warnings coverage linter crash culprit benchmarks? migration output""",
        "mcp": """web internet online url urls site website tickets? issues? pull_requests? prs? jira
            slack github gitlab calendar inbox mail price weather wiki confluence notion pypi channel
            meeting event news stock browser tab linear trello""",
    },
    state={
        "files": """where_(?:do|does|is|are|did)_(?:we|our)
            where_(?:is|are|do)_the_.{1,60}_(?:implemented|defined|handled|set|used|called|located)
            (?:which|what)_(?:files?|modules?|functions?|class(?:es)?|packages?|places)_(?:here_)?(?:import|use|call|contain|define|depend|reference|mention|have)s?
            todos?_.{0,20}left
            (?:any|is_there|are_there)_.{0,60}_in_(?:the|our|this|my)_(?:repo|repository|project|code|code_?base|folder|directory)
            how_(?:does|do|is|are)_(?:our|this_project|this_repo) (?:does|do|is|are)_our_
            how_many_.{0,60}_(?:in|do)_(?:this|our|the|my|we)_(?:repo|project|code|folder|directory|package|have)
            code_?base our_(?:code|repo|repository|project)_?[?]?""",
        "terminal": """on_(?:my|this|the)_(?:machine|computer|system|laptop|box|host) do_i_have_installed
            (?:is|are)_installed_here have_i_installed
            (?:what|which|who)(?:'s|_is)?(?:_process|_program|_pid)?_(?:is_|are_)?(?:using|listening|occupying|blocking|hogging)
            disk_space free_space
            (?:my|the|these)_(?:staged|uncommitted|unstaged|local|latest|last|recent)_(?:\\w+_)?(?:changes|commits?)
            staged_changes which_branch current_branch
            (?:if|whether|that)_.{1,40}_is_(?:still_)?(?:running|up|installed) git_log
            since_the_last_(?:release|tag|commit)
            (?:which|what|how_many|are_any)_(?:\\w+_)?tests_(?:are_|currently_)*(?:fail|failing|pass|passing|red|green|broken|skipped)_?(?:now|right_now)?[?]
            (?:is|are)_(?:the|our|all)_(?:tests?|build|ci|pipeline|server|database|container|linter)_.{0,30}(?:green|red|running|passing|failing|up|clean)""",
        "mcp": """weather
            (?:current|latest|newest|today's|live)_(?:\\w+_){0,2}(?:prices?|news|versions?|releases?|score|stock|rate|value|exchange|weather|docs)
            who_won who_is_the_current exchange_rate headlines newer_(?:release|version)
            (?:price|cost)_of_.{1,40}_(?:now|today|right_now|currently)
            (?:my|our|the_team's)_(?:calendar|inbox|meetings?|mailbox|slack|jira|wiki|confluence|notion)
            news_(?:today|about) on_the_(?:web|internet)
            (?:issues|tickets|prs|pull_requests)_.{0,40}(?:assigned|open) search_online right_now_in""",
    },
    here="""(?:this|our|my|the|whole|entire)_(?:\\w+_)?(?:repo|repository|project|code_?base|workspace|working_(?:directory|tree|copy))
        our in_here here throughout everywhere across
        in_(?:this|the|that|current)_(?:current_)?(?:folder|directory|package|app|module)
        (?:the|a|every)_todos? wherever_it codebase in_all_(?:files|modules|pages)
        (?:in|to)_(?:the|my)_(?:code|tests|docs|app|readme|changelog|front-?end|back-?end) we_call
        my_desktop""",
    owned="""my our""",
    small="""in on at for with by from of as to about under over during after before since because but
        and or if while that this these those the a an i we he she they you it is are was were be has
        have had all my our your his her every each any both some no not only even where what who when
        how why which than like near inside there here said says""",
    all="""the our my all every any each it them that these those no its his her their us everything""",
    texts="""sentences? paragraphs? words? letters? punctuation grammar spelling essays? poems?
        equations? derivatives? integrals? reasoning synonyms? numbers? texts? wording regex sql
        quer(?:y|ies)_below stor(?:y|ies) titles? examples? meal_plan jokes? names haiku translation
        logic_puzzle mistakes_in argument tone maths? lyrics speech synonym antonyms?""",
    attached="""this these the_following following below above the_(?:given|quoted|attached) here_is
        here's my_(?:function|code|query|sql|regex|snippet) the_(?:snippet|code)_(?:below|above)""",
    clauses="""and then please pls plz just now also so but or go you u let's i'll we're we'll me_and
        kindly mind ahead_and try next finally first afterwards don't_forget_to instead""",
)

GERMAN = Words(
    lead="""hallo hi hey moin guten_(?:tag|morgen|abend) danke ok okay also so und dann jetzt zuerst nun
        gut noch_mal nochmal bitte mal kurze_frage sorry""",
    polite="""(?:kannst|könntest|würdest|magst|koenntest|wuerdest|kannste)_du
        (?:können|könnten|würden)_sie (?:könnt|könntet)_ihr bitte
        ich_(?:möchte|will|hätte_gern|wünsche_mir),?_dass_du ich_(?:möchte|will|muss|würde_gern)
        wir_(?:müssen|sollten|wollen|brauchen) lass_(?:uns|mal) hilf_mir
        wäre_(?:es_)?(?:super|toll|nett|schön) du_sollst mach_mal""",
    howto="""wie_(?!viele|viel|ist_das_wetter|wird_das_wetter|heißt|lautet|funktioniert|sieht|arbeitet)
        wozu soll(?:te|ten|en)?_(?:ich|man|wir) kann_(?:ich|man) könnte_(?:ich|man) darf_(?:ich|man)
        muss_(?:ich|man) ist_es
        was_(?:passiert|bedeutet|heißt|macht|muss|kann|sind|soll|würde|wäre|spricht|bringt) wann_
        woran_ wodurch lohnt_ gibt_es_(?:einen|eine|ein|dafür|da) wo_(?:kann|finde)_ich wofür wenn_ich
        kannst_du_auf kannst_du_(?:programme|befehle|dateien)_ausführen
        ich_habe_(?:gestern|heute|versehentlich)""",
    question="""warum wieso weshalb was wer wem wen welche[rsnm]? wo woher wohin wie wieviele? ist sind
        hat haben gibt in_welche[rnm] auf_welche[rnm] läuft hast kann können""",
    explain="""erklär(?:e|en|st)? erläuter(?:e|n)? beschreib(?:e|en)? sag_mir erzähl(?:e)? zeig_mir,?_wie
        verstehen wissen lernen nenne? definiere? begründe? vergleiche_bitte_allgemein verrat(?:e)?""",
    compose="""schreib(?:e|en|st)?(?:_mir|_uns)? verfass(?:e|en)? formulier(?:e|en)? gib_mir
        generier(?:e|en)? entwirf entwerfen nenne? schlag ich_brauche ich_hätte_gern wir_brauchen
        erstell(?:e|en|st)? dicht(?:e|en)? zeig(?:e|en)?(?:_mir|_uns)? implementier(?:e|en)? brauche?
        bau(?:e|en)?_mir leg(?:e|en)? entwickel(?:e|n)? mach(?:e)?_mir""",
    material="""übersetz(?:e|en)? fass(?:e)? korrigier(?:e|en)? formulier(?:e|en)? vereinfach(?:e|en)?
        verbesser(?:e|n)? sortier(?:e|en)? klassifizier(?:e|en)? vervollständig(?:e|en)? antwort(?:e|en)?
        lies erklär(?:e)?(?:_mir)? kürz(?:e|en)? prüf(?:e|en)? umschreiben schreib(?:e)?_um
        ergänz(?:e|en)? behebe? beheben""",
    does={
        "files": """lösch(?:e|en|st)? benenn(?:e|en|st)? umbenennen umzubenennen umbenennst
            entfern(?:e|en|st)? verschieb(?:e|en|st)? ersetz(?:e|en|t|st)? refaktorier(?:e|en)?
            refactor(?:e|en)? räum(?:e|en)? aufräumen speicher(?:e|n)? kopier(?:e|en)? bearbeit(?:e|en)?
            migrier(?:e|en)? stell(?:e)?_(?:das|die|den|unser|alles)_.{1,60}_um umstellen umziehen
            aufteil(?:en|st)? aufzuteilen teil(?:e)?_.{1,40}_auf überschreib(?:e|en)?
            leg(?:e)?_.{0,20}(?:datei|ordner|verzeichnis) durchsuch(?:e|en)? dokumentier(?:e|en)?
            auslagern reparier(?:e|en)?""",
        "terminal": """führ(?:e)?_.{1,80}_aus ausführen auszuführen ausführst lauf(?:en)?_lassen
            lass_(?:mal_)?(?:die|den|das|alle)_.{0,30}(?:tests?|linter|skript) laufen starte?n?_?(?:neu)?
            neustarten neu_starten installier(?:e|en|st)? deinstallier(?:e|en)? committ?e?n? commite
            pushe? pushen deploye?n? mach(?:e)?_.{1,50}_rückgängig rückgängig_machen
            bau(?:e|en)?_(?:das|die|den|alles|unser) kompilier(?:e|en)? stopp(?:e|en)? beende?n?
            stell(?:e)?_.{1,60}_wieder_her wiederherstellen spiel(?:e)?_.{1,40}_ein aktualisier(?:e|en)?
            roll(?:e)?_.{1,40}_(?:aus|zurück) ausrollen merge?n? rebase?n? miss misst formatier(?:e|en)?
            aktivier(?:e|en)? fahr(?:e)?_.{1,40}_(?:hoch|runter) teste""",
        "mcp": """such(?:e|en)?_(?:bitte_|mal_)*(?:im|in_dem)_(?:internet|netz|web) google?n? google_mal
            lad(?:e)?_.{1,60}_herunter herunterladen schick(?:e|en|st)? sende?n? verschick(?:e|en)?
            post(?:e|en) ruf(?:e)?_.{1,60}_auf aufrufen besuch(?:e|en)? melde?_.{1,40}_an
            recherchier(?:e|en)? schlag(?:e)?_.{1,60}_nach buch(?:e|en)? trag(?:e)?_.{1,60}_ein geh_auf""",
    },
    vague="""änder(?:e|n|st)? beheb(?:e|en|st)? fixe?n? korrigier(?:e|en)? füg(?:e|en)? hinzufügen
        hinzuzufügen hinzufügst ergänz(?:e|en)? erstell(?:e|en)? leg(?:e|en)? such(?:e|en)?
        find(?:e|en)? prüf(?:e|en)? schau(?:e|en)? zeig(?:e|en)? öffne?n? lies lesen mach(?:e|en)?
        stell(?:e|en)? setz(?:e|en)? zähl(?:e|en)? pack(?:e|en)? vergleich(?:e|en)? überprüf(?:e|en)?
        überarbeit(?:e|en)? erweiter(?:e|n)? implementier(?:e|en)? bau(?:e|en)? bring(?:e|en)?
        schreib(?:e|en)? übersetz(?:e|en)? fass(?:e|en)? fasst erklär(?:e|en)? optimier(?:e|en)?
        verbesser(?:e|n)? untersuch(?:e|en)? analysier(?:e|en)? liste?n? aktualisier(?:e|en)? nimm nehmen
        ermittle? ermitteln ausgeben gib schalt(?:e|en)? konvertier(?:e|en)? wandle? sortier(?:e|en)? sag
        guck(?:e|en)? sieh nutze?n? verwende?n? tausch(?:e|en)? ordne vereinheitliche?n?
        integrier(?:e|en)? exportier(?:e|en)? importier(?:e|en)? lad(?:e|en)? archivier(?:e|en)?
        sicher(?:e|n)? kommentier(?:e|en)? bereinig(?:e|en)? kümmer(?:e|n)? klär(?:e|en)? richt(?:e|en)?
        verkleiner(?:e|n)? deaktivier(?:e|en)? schließ(?:e|en)? generier(?:e|en)? geh(?:e|en)? richte?
        einrichten erhöhe?n? kontrollier(?:e|en)? anpassen passe? trage?""",
    things={
        "files": """datei(?:en)? ordner verzeichnis(?:se)? repo repository projekte? projekts code
            codebasis quellcode modul(?:e|en)? pakets? pakete importe docs doku dokumentation readme
            changelog konfiguration config einstellung(?:en)? skripte? klassen? methoden? komponenten?
            variablen? endpunkte? docstrings? todos? tippfehler bugs? fehler fußzeile kopfzeile stellen
            logs? schnittstelle abhängigkeit(?:en)? oberfläche formular strings vorlagen? überschrift
            inhalt funktion(?:en)? seiten typannotationen timeouts?""",
        "terminal": """tests? testsuite build server(?:n)? container docker docker-daemon npm pip pytest
            cargo prozess(?:e)? port branch commits? änderungen git umgebung datenbank dienst pipeline
            warnungen terminal konsole cronjob rechner festplatte""",
        "mcp": """web internet netz url webseite website seite tickets? issues? pull-?requests? jira
            slack github gitlab kalender postfach mail wetter wiki kanal termin(?:e)?""",
    },
    state={
        "files": """was_steht in_welche[rnm]_dateien?
            welche_(?:dateien|module|klassen|funktionen)_(?:importier|benutz|verwend|enthalt|nutz|ruf)\\w*
            wo_(?:setzen|benutzen|verwenden|definieren|rufen|wird|ist|haben|steht)_.{0,60}(?:wir|projekt|code|repo|implementiert|definiert|gesetzt)
            wie_viele_.{0,60}_(?:im|in_diesem|in_unserem)_(?:projekt|code|repo)
            unser(?:e[rmns]?)?_(?:code|projekt|repo|\\w*modul)
            (?:dieses|diesem|unserem|im)_(?:projekt|repo|repository|ordner|verzeichnis)_?[?]?
            im_ganzen_projekt""",
        "terminal": """welcher_prozess
            auf_(?:meinem|diesem|dem)_(?:rechner|computer|server|laptop|system) ob_.{1,50}_läuft
            habe_ich_installiert welche_tests? wie_viel_(?:speicher|platz)
            (?:meine|meiner|lokale|letzten)_änderungen welche[rnm]?_branch
            (?:läuft|laufen|sind|ist)_(?:der|die|das|alle|unsere?)_(?:tests?|build|server|datenbank|container|pipeline)""",
        "mcp": """wetter aktuelle[rnms]?_(?:version|kurs|preis|nachrichten|stand)
            neueste[rnms]?_(?:version|nachrichten|release) kurs_von wer_hat_gewonnen
            (?:mein|meinem|unserem|meinen)_(?:kalender|postfach|wiki|slack|jira) im_internet
            termine_(?:habe|heute|morgen)""",
    },
    here="""(?:im|ins|in_diesem|dieses|diesem|das|des|dem|unser\\w*|meine?m?)_(?:ganzen_|gesamten_)?(?:projekts?|repo|repository|code|ordner|verzeichnis|paket)
        überall hier unser(?:e[rmns]?)? im_paket das_modul""",
    owned="""mein\\w* unser\\w*""",
    small="""in im an am auf für mit von vom aus bei nach zu zum zur über unter vor seit wegen durch
        gegen ohne um und oder aber wenn weil dass der die das den dem ein eine ich wir er sie es ist
        sind war hat habe haben sind alle mein meine unser unsere nicht auch wie was wo wer wird als ob
        hatte gab""",
    all="""der die das den dem alle[rsn]? unser\\w* mein\\w* jede[rsn]? ihn sie es diese[rsnm]? alles""",
    texts="""satz sätze text absatz absätze wort wörter grammatik rechtschreibung gedicht(?:e)? zahlen
        synonyme? geschichte gleichung""",
    attached="""diese[rsnm]? folgende[rnsm]? unten oben meine_(?:funktion|abfrage) es ihn
        den_(?:code|fehler)_unten""",
    clauses=None,
)

FRENCH = Words(
    lead="""bonjour salut merci ok alors et puis maintenant d'abord ensuite bonsoir coucou""",
    polite="""(?:peux|pourrais|veux|voudrais)[-_]tu tu_(?:peux|pourrais|veux_bien|dois)
        (?:pouvez|pourriez|voulez)[-_]vous vous_(?:pouvez|pourriez) j'aimerais(?:_bien)?_que_tu
        je_(?:veux|voudrais|souhaite)_que_tu je_(?:voudrais|veux|dois) j'aimerais il_faut(?:drait)?
        on_doit merci_de s'il_te_plaît s'il_te_plait s'il_vous_plaît stp svp aide-moi_à il_faut_que_tu
        n'oublie_pas_de veuillez""",
    howto="""comment que_se_passe qu'est-ce_qu(?:i|e|')_(?:se_passe|arrive|signifie|veut)
        que_(?:signifie|fait|veut_dire|faut) dois-je puis-je peut-on faut-il
        est-ce_qu(?:e|'|on|'on)_?(?:je|c'est|il_faut|on|il|eval)? vaut-il à_quoi quand_ si_je
        y_a-t-il_(?:un|une) quelle_est_la_(?:différence|commande|meilleure)
        quel_est_l(?:e|'|a)_?(?:meilleur|intérêt|but|avantage) où_puis-je devrais-je c'est_quoi
        qu'est-ce_que_c tu_penses j'ai_supprimé""",
    question="""pourquoi que qu'est-ce quoi qui quel(?:le)?s? où combien dans_quel(?:le)?s? est-ce
        y_a-t-il lequel laquelle de_quoi""",
    explain="""explique(?:r|z)?(?:-moi|-nous)? m'expliquer décri(?:s|re|vez) dis-moi raconte(?:-moi)?
        apprends montre-moi_comment comprendre savoir apprendre
        donne(?:-moi)?_(?:un_exemple|des_exemples|trois|deux|cinq) définis? me_dire_comment
        me_montrer_comment m'apprendre""",
    compose="""écris(?:-moi)? écrire rédige(?:r)?(?:-moi)? donne(?:-moi|r)? génère compose propose
        suggère montre(?:-moi)? crée(?:r)? créer imagine j'ai_besoin_d il_me_faut invente liste
        implémente(?:r)? prépare fais-moi ecris""",
    material="""tradui(?:s|re|sez) résume(?:r)? corrige(?:r)? reformule(?:r)? simplifie(?:r)? trie(?:r)?
        complète(?:r)? classe(?:r)? explique(?:r)? réponds lis améliore(?:r)? vérifie(?:r)? relis
        refactorise""",
    does={
        "files": """supprime[rsz]? efface[rsz]? renomme[rsz]? déplace[rsz]? remplace[rsz]?
            refactorise[rsz]? enregistre[rsz]? sauvegarde[rsz]? copie[rsz]? modifie[rsz]? migre[rsz]?
            nettoie nettoyer nettoies découpe[rsz]? découper range extrai(?:s|re) enlève enlever
            retire[rsz]? répare[rsz]? parcours documente[rsz]? déplacer édite[rsz]?""",
        "terminal": """lance[rsz]? exécute[rsz]? execute[rsz]? démarre[rsz]? redémarre[rsz]?
            relance[rsz]? installe[rsz]? désinstalle[rsz]? déploie déployer pousse[rsz]?(?:-les)?
            annule[rsz]? compile[rsz]? arrête[rsz]? tue teste[rsz]? committe[rsz]? fais(?:_un)?_commit
            mets_à_jour mettre_à_jour restaure[rsz]? faire_tourner fais_tourner reconstrui(?:s|re)
            construi(?:s|re)_(?:le|l')_?projet formate[rsz]? mesure[rsz]? active[rsz]?
            fusionne[rsz]?_la_branche""",
        "mcp": """cherche[rsz]?_(?:sur|dans)_(?:le_|l')?(?:web|internet|net|google)
            recherche[rsz]?_(?:sur|dans)_(?:le_|l')?(?:web|internet) télécharge[rsz]? envoie[rsz]?
            envoyer publie[rsz]? poste[rsz]? va_sur visite[rsz]? googlise réserve[rsz]? invite[rsz]?
            consulte[rsz]? préviens""",
    },
    vague="""corrige[rsz]? change[rsz]? ajoute[rsz]? crée[rsz]? créer cherche[rsz]? trouve[rsz]?
        vérifie[rsz]? montre[rsz]?(?:-moi)? affiche[rsz]? ouvre[rsz]? ouvrir lis lire mets mettre fais
        faire compte[rsz]? convertis compare[rsz]? améliore[rsz]? optimise[rsz]? analyse[rsz]?
        regarde[rsz]? écris écrire génère générer traduis traduire résume[rsz]? explique[rsz]?
        implémente[rsz]? liste[rsz]? donne[rsz]?(?:-moi)? complète[rsz]? adapte[rsz]? passe[rsz]? dis
        dire utilise[rsz]? inspecte[rsz]? examine[rsz]? fusionne[rsz]? configure[rsz]? trie[rsz]? enlève
        échange[rsz]? exporte[rsz]? importe[rsz]? charge[rsz]? archive[rsz]? intègre[rsz]?
        connecte[rsz]? désactive[rsz]? ordonne[rsz]? simplifie[rsz]? commente[rsz]? occupe-toi
        augmente[rsz]? ferme[rsz]? relis""",
    things={
        "files": """fichiers? dossiers? répertoires? dépôt repo projets? code modules? paquets?
            packages? imports? docs documentation readme changelog config(?:uration)? paramètres?
            scripts? classes? fonctions? méthodes? composants? variables? docstrings? todos? fautes?
            bugs? bogues? erreurs? endroits journaux logs? images dépendances? interface formulaire
            contenu en-tête pied_de_page gabarits? page_d'accueil""",
        "terminal": """tests? suite_de_tests build serveurs? conteneurs? docker npm pip pytest cargo
            démon processus port branche commits? modifications git environnement base_de_données
            service pipeline terminal machine""",
        "mcp": """web internet url site page tickets? issues? pull_requests? jira slack github gitlab
            calendrier agenda boîte_mail mail météo wiki canal""",
    },
    state={
        "files": """que_contient qu'y_a-t-il_dans dans_quels?_fichiers?
            quels?_(?:fichiers?|modules?|fonctions?)_(?:importent?|utilisent?|contiennent?|appellent?)
            où_(?:est|sont|se_trouve|définit|utilise|règle)-?_?(?:on)?_.{0,60}(?:défini|implément|projet|code|dépôt)
            où_.{0,20}-t?-?on combien_de_.{0,60}_(?:dans|du)_(?:le_|ce_|notre_)?(?:projet|code|dépôt)
            (?:notre|ce|mon)_(?:code|projet|dépôt)""",
        "terminal": """quel_processus sur_(?:ma|mon|cette)_(?:machine|ordinateur|serveur)
            si_.{1,50}_(?:tourne|fonctionne|marche) ai-je_installée? quels_tests espace_disque
            (?:mes|dernières)_modifications quelle_branche""",
        "mcp": """quel_temps météo dernière_version_(?:de|d'|du)_?\\w+ (?:cours|prix)_actuel prix_du
            qui_a_gagné (?:mon|notre)_(?:agenda|calendrier|wiki|slack|jira) sur_internet actualités""",
    },
    here="""(?:dans|de|du|à)_(?:tout_)?(?:le_|ce_|notre_|l')?(?:projet|dépôt|code|dossier|répertoire|paquet)
        partout ici notre nos le_module mon_projet""",
    owned="""mon ma mes notre nos""",
    small="""dans sur sous pour avec par de du des à au aux en et ou mais si quand parce que le la les
        un une je tu il elle on nous vous ils est sont était a ai avons tous toutes mon ma mes notre nos
        c'est ce cette ne pas comme où qui chez vers sans selon depuis""",
    all="""le la les l' tous toutes notre nos mon ma mes chaque ce cette ces cela""",
    texts="""phrases? texte paragraphes? mots? grammaire orthographe poèmes? nombres? synonymes?
        histoire""",
    attached="""ce cette ces suivante?s? ci-dessous ci-dessus ma_(?:fonction|requête)""",
    clauses=None,
)

SPANISH = Words(
    lead="""hola buenas gracias ok bueno y luego entonces ahora primero después buenos_días""",
    polite="""(?:puedes|podrías|puede|podría|podrias|quieres)_(?:por_favor_)?
        (?:me_|nos_)?(?:puedes|podrías|podrias) quiero_que quisiera_que me_gustaría_que necesito_que
        (?:quiero|necesito|quisiera|me_gustaría) (?:hay_que|tenemos_que|tengo_que|debes|tienes_que)
        por_favor porfa ayúdame_a asegúrate_de no_olvides""",
    howto="""cómo como_(?:puedo|se|hago|ejecuto|borro|instalo) para_qué
        qué_(?:pasa|significa|hace_(?!hoy|en|ahora)|debo|debería|ocurre|diferencia|ventajas) debo
        debería puedo_ se_puede es_(?:mejor|peligroso|seguro|posible|buena|malo|normal) cuándo cuando_
        si_(?:yo|uno|borro|ejecuto) hay_(?:alguna|una|algún)_(?:forma|manera|diferencia)
        cuál_es_(?:la_diferencia|el_comando|la_mejor|el_mejor) dónde_puedo conviene he_borrado""",
    question="""por_qué por_que qué que quién cuál(?:es)? dónde cuánt[oa]s? en_qué hay es son
        está están de_qué""",
    explain="""explica(?:me|r|rme)? explíca(?:me|nos|lo)? describe(?:me)? dime cuéntame cuenta
        enséñame_cómo muéstrame_cómo entender saber aprender comprender define decirme_cómo
        mostrarme_cómo enseñarme""",
    compose="""escribe escríbe(?:me|nos) escribir redacta(?:r|me)? dame genera compón propón sugiere
        muéstra(?:me|nos) crea(?:r)? imagina inventa necesito_(?:un|una) quiero_(?:un|una)
        haz(?:me)?_(?:un|una) implementa(?:r)? lista prepara diseña enumera""",
    material="""traduc(?:e|ir|eme) resume resumir corrige corregir reformula simplifica ordena completa
        clasifica explica(?:me)? explícame responde lee mejora revisa refactoriza acorta""",
    does={
        "files": """borra(?:r|s)? elimina(?:r|s)? renombra(?:r|s)? mueve(?:s)? mover reemplaza(?:r|s)?
            sustituye sustituir refactoriza(?:r)? guarda(?:r)? copia(?:r)? modifica(?:r)? migra(?:r)?
            limpia(?:r)? divide(?:s)? dividas dividir extrae(?:r)? quita(?:r)? arregla(?:r)?
            arréglal[oa]s? repara(?:r)? edita(?:r)? documenta(?:r)? recorre recorrer separa(?:r)?""",
        "terminal": """ejecuta(?:r|s)? corre(?:r)? lanza(?:r)? arranca(?:r)? inicia(?:r)? reinicia(?:r)?
            instala(?:r)? desinstala(?:r)? despliega desplegar sube súbelos subir deshaz deshacer
            compila(?:r)? detén detener para_(?:el|los) mata(?:r)? haz_(?:un_)?commit
            hacer_(?:un_)?commit actualiza(?:r)? restaura(?:r)? reconstruye prueba_(?:de_nuevo|otra_vez)
            formatea(?:r)? mide medir activa(?:r)?""",
        "mcp": """busca(?:r)?_en_(?:el_|la_)?(?:internet|web|red|google) descarga(?:r)? envía envíale
            enviar manda(?:r)? mándale publica(?:r)? ve_a visita(?:r)? navega(?:r)? googlea(?:r)?
            reserva(?:r)? invita(?:r)? consulta(?:r)? avisa_a""",
    },
    vague="""corrige corregir cambia(?:r)? añade añadir agrega(?:r)? crea(?:r)? busca(?:r)? encuentra
        encontrar comprueba comprobar verifica(?:r)? muestra muéstra(?:me|nos) mostrar abre abrir lee
        leer pon poner haz hacer cuenta contar convierte convertir compara(?:r)? mejora(?:r)?
        optimiza(?:r)? analiza(?:r)? mira(?:r)? escribe escribir genera(?:r)? traduce traducir resume
        resumir explica(?:r)? explícame implementa(?:r)? lista(?:r)? dame revisa(?:r)? usa(?:r)?
        adapta(?:r)? ordena(?:r)? completa(?:r)? localiza(?:r)? investiga(?:r)? configura(?:r)? une unir
        cierra cerrar dime exporta(?:r)? importa(?:r)? carga(?:r)? archiva(?:r)? integra(?:r)?
        conecta(?:r)? desactiva(?:r)? simplifica(?:r)? comenta(?:r)? utiliza(?:r)? echa aumenta(?:r)?
        pasa(?:r)?""",
    things={
        "files": """archivos? ficheros? carpetas? directorios? repo repositorio proyectos? código
            módulos? paquetes? imports? importaciones docs documentación readme changelog
            config(?:uración)? ajustes? scripts? clases? funciones función métodos? componentes?
            variables? docstrings? todos? erratas? bugs? errores sitios lugares logs? registros imágenes
            dependencias? interfaz formulario contenido plantillas? cabecera""",
        "terminal": """tests? pruebas? suite build compilación servidor(?:es)? contenedor(?:es)? docker
            npm pip pytest cargo demonio procesos? puerto rama commits? cambios git entorno base_de_datos
            servicio pipeline terminal máquina""",
        "mcp": """web internet url sitio_web página tickets? issues? pull_requests? jira slack github
            gitlab calendario agenda bandeja correo wiki canal""",
    },
    state={
        "files": """qué_hay_en qué_contiene en_qué_archivos?
            qué_(?:archivos|ficheros|módulos|funciones)_(?:importan|usan|contienen|llaman|tienen)
            dónde_(?:está|están|se|definimos|usamos)_.{0,60}
            cuánt[oa]s_.{0,60}_(?:en|del?)_(?:el_|este_|nuestro_)?(?:proyecto|código|repo)
            (?:nuestro|este|mi)_(?:código|proyecto|repo|repositorio)""",
        "terminal": """qué_proceso en_(?:mi|esta)_(?:máquina|ordenador|computadora|servidor)
            si_.{1,50}_(?:corriendo|funcionando|activo|funciona) tengo_instalad[oa]
            qué_(?:tests|pruebas) espacio_en_disco (?:mis|últimos)_cambios qué_rama""",
        "mcp": """qué_tiempo el_tiempo_en el_clima última_versión_de precio_(?:actual|del?)
            quién_ganó (?:mi|nuestra?)_(?:calendario|agenda|wiki|slack|jira) en_internet noticias""",
    },
    here="""(?:en|de|del|al)_(?:todo_)?(?:el_|este_|nuestro_|la_)?(?:proyecto|repo|repositorio|código|carpeta|directorio|paquete)
        aquí nuestr[oa]s? en_todas_partes el_módulo mi_proyecto""",
    owned="""mis? nuestr[oa]s?""",
    small="""en de del a al para por con sin sobre y o pero si cuando porque que el la los las un una yo
        tú él ella nosotros es son era está están fue he ha han todos todas mi mis nuestro no como
        donde quien hay según desde hasta""",
    all="""el la los las todos todas nuestr[oa]s? mi mis cada est[eo]s? estas? lo""",
    texts="""frases? texto párrafos? palabras? gramática ortografía poemas? números? sinónimos?
        historia oración""",
    attached="""este esta esto estos estas siguientes? abajo arriba mi_(?:función|consulta)""",
    clauses=None,
)

CHINESE = Words(
    lead="""你好[,。!,!]? 您好[,,]? 谢谢[,,]? 好的[,,]? 然后 现在 首先""",
    polite="""请 帮我 帮忙 麻烦 能不能 能否 可以帮 可不可以 你能(?!做|访问|运行|看到) 你可以 我想让你
        我希望你 我要你 我需要你 我们需要 我想(?!了解|知道|学|问)""",
    howto="""怎么(?!样|实现|工作|处理) 如何 怎样 为什么 为何 是什么意思 什么是 会发生什么 区别 该不该
        应该 哪个更 要不要 是做什么 是干什么 有什么用 危险吗 安全吗 好吗 可能是什么原因 什么原因 什么样
        有没有办法 能访问 能做什么 是否应该 值得 什么时候 昨天""",
    question="""什么 哪 多少 几 吗 谁 是否 怎么 呢""",
    explain="""解释 讲解 讲讲 讲一讲 说明一下 介绍 告诉我怎 描述 了解 理解 知道 说说 说出 举 讲个 演示
        比较一下 学习 定义""",
    compose="""写 起草 生成 给我 推荐 建议 想一个 实现 设计 列举 编写 拟""",
    material="""翻译 总结 概括 改写 润色 纠正 校对 简化 排序 分类 补全 解释 回复 看看 检查 修改 改进 优化
        修正 完善 把(?:这|下|以)""",
    does={
        "files": """删除 删掉 去掉 重命名 改名 移动 移到 替换 换成 重构 保存 复制 修改 改成 改为 迁移
            清理 整理 拆成 拆分 拆开 修好 修复 移除 提取 升级 编辑 覆盖 创建 新建 补上 添加 加上 加到
            增加""",
        "terminal": """运行(?!时) 跑一下 跑(?!步) 执行 启动 重启 安装 卸载 部署 提交 推送 撤销 编译
            构建(?!坏) 停止 停掉 杀掉 更新 回滚 恢复 格式化 拉取 合并分支 切换到 测试一下""",
        "mcp": """上网 网上 搜索一下 搜一下 谷歌 百度 下载 发邮件 发消息 发送 发到 发布到 访问 预订 截图
            查一下""",
    },
    vague="""找出 找到 查找 搜索 检查 查看 看看 看一下 显示 打开 阅读 读 列出 写 统计 数一数 比较 改进
        优化 分析 审查 翻译 总结 解释 改 设置 设 换 加 用 生成 实现 补充 确认 告诉我 转换 转成 合并 给 把
        调整 完善 调试""",
    things={
        "files": """文件 目录 文件夹 仓库 项目 代码 模块 包 文档 配置 脚本 组件 变量 错误 的地方 日志
            图片 依赖 接口 页脚 页眉 内容 字符串 注释 漏洞 bug 类型""",
        "terminal": """测试 构建 服务器 容器 docker 进程 端口 分支 提交 修改 git 环境 数据库 服务 终端
            流水线""",
        "mcp": """网页 网站 网址 互联网 工单 issue jira slack github gitlab 日历 邮箱 邮件 天气 维基 频道
            会议""",
    },
    state={
        "files": """哪些文件 哪个文件 写了什么 里有什么 里面有什么
            (?:我们|本|这个|整个)(?:的)?(?:代码|项目|仓库) 哪里(?:定义|实现|设置|调用|打开)
            在哪里(?:定义|实现|设置|调用) 有多少""",
        "terminal": """哪个进程 (?:我的|这台)(?:机器|电脑|服务器) 是否在运行 在不在运行 我装的 安装了哪
            哪些测试 磁盘空间 我的修改 哪个分支""",
        "mcp": """天气 最新版本 最新的?版本 当前价格 现在的价格 新闻 谁赢 日历 汇率""",
    },
    here="""项目里 项目中 仓库 代码里 代码库 我们的 这里 所有地方 整个项目 目录下 模块""",
    owned="""我的 我们的""",
    small="""-""",
    all="""所有 全部 我的 我们的 它 整个 每个""",
    texts="""句子 句话 段落 文字 单词 语法 诗 数字 同义词 故事 作文 文章""",
    attached="""这个 下面 以下 上面 这段 如下 这些""",
    clauses=None,
    spaced=False,
)

WORDS = {"en": ENGLISH, "de": GERMAN, "fr": FRENCH, "es": SPANISH, "zh": CHINESE}
