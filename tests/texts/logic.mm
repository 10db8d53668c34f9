$( A small theory of logic and of counting, written for tests: every proof here
   is short, and the program metamath verifies them all. $)

  $c ( ) -> ! & | <-> all ex = <= + * succ 0 1 2 3 4 5 |- wff term var $.
  $v p q r a b c t u v w x y z $.

  w-p $f wff p $.
  w-q $f wff q $.
  w-r $f wff r $.
  w-a $f wff a $.
  w-b $f wff b $.
  w-c $f wff c $.
  t-t $f term t $.
  t-u $f term u $.
  t-v $f term v $.
  t-w $f term w $.
  v-x $f var x $.
  v-y $f var y $.
  v-z $f var z $.

  wi $a wff ( p -> q ) $.
  wn $a wff ! p $.
  wa $a wff ( p & q ) $.
  wo $a wff ( p | q ) $.
  wb $a wff ( p <-> q ) $.
  wall $a wff all x p $.
  wex $a wff ex x p $.
  tv $a term x $.
  t0 $a term 0 $.
  t1 $a term 1 $.
  t2 $a term 2 $.
  t3 $a term 3 $.
  t4 $a term 4 $.
  t5 $a term 5 $.
  ts $a term succ t $.
  tp $a term ( t + u ) $.
  tt $a term ( t * u ) $.
  weq $a wff t = u $.
  wle $a wff t <= u $.

$(
#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#
  Propositional logic
#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#

  What follows from the meaning of ` -> ` , ` ! ` , ` & ` and ` | ` alone.
$)

$(
=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=
  Implication
=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=
$)

  ${
    mp.1 $e |- p $.
    mp.2 $e |- ( p -> q ) $.
    $( What an implication promises holds once its condition does. $)
    mp $a |- q $.
  $}

  $( What holds also holds under a condition. $)
  ax-k $a |- ( p -> ( q -> p ) ) $.

  $( A condition may be shared out over an implication. $)
  ax-s $a |- ( ( p -> ( q -> r ) ) -> ( ( p -> q ) -> ( p -> r ) ) ) $.

  $( Every statement implies itself. $)
  same $p |- ( p -> p ) $=
    w-p w-p w-p wi wi w-p w-p wi w-p w-p ax-k w-p w-p w-p wi w-p wi wi w-p w-p
    w-p wi wi w-p w-p wi wi w-p w-p w-p wi ax-k w-p w-p w-p wi w-p ax-s mp mp
    $.

  ${
    lift.1 $e |- q $.
    $( Put a condition in front of what is known. $)
    lift $p |- ( p -> q ) $=
      ( wi ax-k mp ) BABDCBAEF $.
  $}

  ${
    split.1 $e |- ( p -> ( q -> r ) ) $.
    $( Share out a condition, as ~ ax-s allows. $)
    split $p |- ( ( p -> q ) -> ( p -> r ) ) $=
      w-p w-q w-r wi wi w-p w-q wi w-p w-r wi wi split.1 w-p w-q w-r ax-s mp $.
  $}

  ${
    chain.1 $e |- ( p -> q ) $.
    chain.2 $e |- ( q -> r ) $.
    $( Two implications make one when the first ends where the second begins. $)
    chain $p |- ( p -> r ) $=
      ( wi lift split mp ) ABFACFDABCABCFEGHI $.
  $}

  ${
    under.1 $e |- ( p -> q ) $.
    under.2 $e |- ( p -> ( q -> r ) ) $.
    $( The rule ~ mp with a condition in front of everything. $)
    under $p |- ( p -> r ) $=
      w-p w-q wi w-p w-r wi under.1 w-p w-q w-r under.2 split mp $.
  $}

  ${
    swap.1 $e |- ( p -> ( q -> r ) ) $.
    $( The order of two conditions means nothing. $)
    swap $p |- ( q -> ( p -> r ) ) $=
      ( wi ax-k split chain ) BABEACEBAFABCDGH $.
  $}

  ${
    chain3.1 $e |- ( p -> q ) $.
    chain3.2 $e |- ( q -> r ) $.
    chain3.3 $e |- ( r -> a ) $.
    $( Three implications in a row make one. $)
    chain3 $p |- ( p -> a ) $=
      w-p w-r w-a w-p w-q w-r chain3.1 chain3.2 chain chain3.3 chain $.
  $}

  $( Both sides of an implication may get the same condition. $)
  prefix $p |- ( ( q -> r ) -> ( ( p -> q ) -> ( p -> r ) ) ) $=
    ( wi ax-k ax-s chain ) BCDZAHDABDACDDHAEABCFG $.

  $( Like ~ prefix , with a common end in place of a common condition. $)
  suffix $p |- ( ( p -> q ) -> ( ( q -> r ) -> ( p -> r ) ) ) $=
    w-q w-r wi w-p w-q wi w-p w-r wi w-p w-q w-r prefix swap $.

  $( The rule ~ mp as one statement. $)
  apply $p |- ( p -> ( ( p -> q ) -> q ) ) $=
    ( wi same swap ) ABCZABFDE $.

  $( A condition need not be said twice. $)
  contract $p |- ( ( p -> ( p -> q ) ) -> ( p -> q ) ) $=
    w-p w-p w-q wi wi w-p w-p wi w-p w-q wi w-p w-p w-q wi wi w-p w-p wi w-p
    same lift w-p w-p w-q ax-s under $.

  $( Like ~ swap , as one statement. $)
  exchange $p |- ( ( p -> ( q -> r ) ) -> ( q -> ( p -> r ) ) ) $=
    ( wi ax-s ax-k suffix mp chain ) ABCDDABDZACDZDZBKDZABCEBJDLMDBAFBJKGHI $.

  ${
    relay.1 $e |- ( p -> ( q -> r ) ) $.
    relay.2 $e |- ( p -> ( r -> a ) ) $.
    $( Chain two implications that share a condition. $)
    relay $p |- ( p -> ( q -> a ) ) $=
      w-p w-r w-a wi w-q w-a wi relay.2 w-p w-q w-r wi w-r w-a wi w-q w-a wi wi
      relay.1 w-q w-r w-a suffix chain under $.
  $}

$(
=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=
  Negation
=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=
$)

  $( An implication may be read backwards when both sides are denied. $)
  ax-c $a |- ( ( ! p -> ! q ) -> ( q -> p ) ) $.

  $( From what is denied anything follows. $)
  absurd $p |- ( ! p -> ( p -> q ) ) $=
    ( wn wi ax-k ax-c chain ) ACZBCZHDABDHIEBAFG $.

  $( From a statement and its denial anything follows. $)
  clash $p |- ( p -> ( ! p -> q ) ) $=
    w-p wn w-p w-q w-p w-q absurd swap $.

  $( Two denials may be dropped. $)
  double-out $p |- ( ! ! p -> p ) $=
    ( wn wi absurd ax-c chain contract mp ) ABZBZJACZCKJIJBZCKILDAJEFJAGH $.

  $( Two denials may be put in front. $)
  double-in $p |- ( p -> ! ! p ) $=
    w-p wn wn wn w-p wn wi w-p w-p wn wn wi w-p wn double-out w-p wn wn w-p
    ax-c mp $.

  $( Denying what follows denies the condition. $)
  contra $p |- ( ( p -> q ) -> ( ! q -> ! p ) ) $=
    ( wi wn double-out suffix mp double-in prefix ax-c chain3 ) ABCZADZDZBCZNBD
    ZDZCZPMCNACLOCAENABFGBQCORCBHNBQIGMPJK $.

  ${
    contra-by.1 $e |- ( p -> q ) $.
    $( The statement ~ contra as a rule. $)
    contra-by $p |- ( ! q -> ! p ) $=
      w-p w-q wi w-q wn w-p wn wi contra-by.1 w-p w-q contra mp $.
  $}

  $( What follows from its own denial holds. $)
  insist $p |- ( ( ! p -> p ) -> p ) $=
    ( wn wi absurd ax-s mp ax-c chain contract ) ABZACZKACZCLKJKBZCZLJAMCCKNCAM
    DJAMEFAKGHKAIF $.

  $( What implies its own denial does not hold. $)
  yield $p |- ( ( p -> ! p ) -> ! p ) $=
    w-p w-p wn wi w-p wn wn w-p wn wi w-p wn w-p wn wn w-p wi w-p w-p wn wi w-p
    wn wn w-p wn wi wi w-p double-out w-p wn wn w-p w-p wn suffix mp w-p wn
    insist chain $.

  ${
    cases.1 $e |- ( p -> q ) $.
    cases.2 $e |- ( ! p -> q ) $.
    $( What follows both from a statement and from its denial holds. $)
    cases $p |- q $=
      ( wn wi contra-by chain insist mp ) BEZBFBKAEBABCGDHBIJ $.
  $}

  ${
    refute.1 $e |- ( p -> q ) $.
    refute.2 $e |- ( p -> ! q ) $.
    $( What implies a statement and its denial does not hold. $)
    refute $p |- ! p $=
      w-p w-p wn wi w-p wn w-p w-q wn w-p wn refute.2 w-p w-q refute.1
      contra-by chain w-p yield mp $.
  $}

$(
=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=
  And, or, if and only if
=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=
$)

  $( Two statements that hold make one. $)
  and-in $a |- ( p -> ( q -> ( p & q ) ) ) $.

  $( Of two statements the first. $)
  and-left $a |- ( ( p & q ) -> p ) $.

  $( Of two statements the second. $)
  and-right $a |- ( ( p & q ) -> q ) $.

  $( A choice holds when its first part does. $)
  or-left $a |- ( p -> ( p | q ) ) $.

  $( A choice holds when its second part does. $)
  or-right $a |- ( q -> ( p | q ) ) $.

  $( What follows from either part of a choice follows from the choice. $)
  or-out $a |- ( ( p -> r ) -> ( ( q -> r ) -> ( ( p | q ) -> r ) ) ) $.

  $( Two implications there and back. $)
  iff-in $a |- ( ( p -> q ) -> ( ( q -> p ) -> ( p <-> q ) ) ) $.

  $( The way there. $)
  iff-left $a |- ( ( p <-> q ) -> ( p -> q ) ) $.

  $( The way back. $)
  iff-right $a |- ( ( p <-> q ) -> ( q -> p ) ) $.

  ${
    both.1 $e |- ( p -> q ) $.
    both.2 $e |- ( p -> r ) $.
    $( Two things that follow from one condition follow together. $)
    both $p |- ( p -> ( q & r ) ) $=
      ( wa wi and-in chain under ) ACBCFZEABCKGDBCHIJ $.
  $}

  $( The order of two statements means nothing. $)
  and-swap $p |- ( ( p & q ) -> ( q & p ) ) $=
    w-p w-q wa w-q w-p w-p w-q and-right w-p w-q and-left both $.

  ${
    either.1 $e |- ( p -> r ) $.
    either.2 $e |- ( q -> r ) $.
    $( The axiom ~ or-out as a rule. $)
    either $p |- ( ( p | q ) -> r ) $=
      ( wi wo or-out mp ) BCFZABGCFZEACFJKFDABCHII $.
  $}

  $( The order of a choice means nothing. $)
  or-swap $p |- ( ( p | q ) -> ( q | p ) ) $=
    w-p w-q w-q w-p wo w-q w-p or-right w-q w-p or-left either $.

  ${
    import.1 $e |- ( p -> ( q -> r ) ) $.
    $( Two conditions become one. $)
    import $p |- ( ( p & q ) -> r ) $=
      ( wa and-right wi and-left chain under ) ABEZBCABFKABCGABHDIJ $.
  $}

  ${
    export.1 $e |- ( ( p & q ) -> r ) $.
    $( One condition becomes two. $)
    export $p |- ( p -> ( q -> r ) ) $=
      w-p w-q w-p w-q wa wi w-q w-r wi w-p w-q and-in w-p w-q wa w-r wi w-q w-p
      w-q wa wi w-q w-r wi wi export.1 w-q w-p w-q wa w-r prefix mp chain $.
  $}

  $( Three statements may be taken together in another way. $)
  and-assoc $p |- ( ( ( p & q ) & r ) -> ( p & ( q & r ) ) ) $=
    ( wa and-left chain and-right both ) ABDZCDZABCDJIAICEZABEFJBCJIBKABGFICGHH
    $.

  ${
    and-map.1 $e |- ( p -> q ) $.
    and-map.2 $e |- ( r -> a ) $.
    $( Two implications side by side. $)
    and-map $p |- ( ( p & r ) -> ( q & a ) ) $=
      w-p w-r wa w-q w-a w-p w-r wa w-p w-q w-p w-r and-left and-map.1 chain
      w-p w-r wa w-r w-a w-p w-r and-right and-map.2 chain both $.
  $}

  ${
    or-map.1 $e |- ( p -> q ) $.
    or-map.2 $e |- ( r -> a ) $.
    $( Two implications as a choice. $)
    or-map $p |- ( ( p | r ) -> ( q | a ) ) $=
      ( wo or-left chain or-right either ) ACBDGZABLEBDHICDLFBDJIK $.
  $}

  $( A statement beside a choice may be given to each part of it. $)
  spread $p |- ( ( p & ( q | r ) ) -> ( ( p & q ) | ( p & r ) ) ) $=
    w-p w-q w-r wo w-p w-q wa w-p w-r wa wo w-q w-r wo w-p w-p w-q wa w-p w-r
    wa wo w-q w-r w-p w-p w-q wa w-p w-r wa wo wi w-p w-q w-p w-q wa w-p w-r wa
    wo w-p w-q w-p w-q wa w-p w-r wa wo w-p w-q wa w-p w-r wa or-left export
    swap w-p w-r w-p w-q wa w-p w-r wa wo w-p w-r w-p w-q wa w-p w-r wa wo w-p
    w-q wa w-p w-r wa or-right export swap either swap import $.

  $( The way back from ~ spread . $)
  gather $p |- ( ( ( p & q ) | ( p & r ) ) -> ( p & ( q | r ) ) ) $=
    ( wa wo same or-left and-map or-right either ) ABDACDABCEZDAABKAFZBCGHAACKL
    BCIHJ $.

  $( A statement holds or its denial does. $)
  middle $p |- ( p | ! p ) $=
    w-p w-p w-p wn wo w-p w-p wn or-left w-p w-p wn or-right cases $.

  $( A statement and its denial never hold together. $)
  no-both $p |- ! ( p & ! p ) $=
    ( wn wa and-left and-right refute ) AABZCAAGDAGEF $.

  $( To deny a choice is to deny both of its parts. $)
  neither $p |- ( ! ( p | q ) -> ( ! p & ! q ) ) $=
    w-p w-q wo wn w-p wn w-q wn w-p w-p w-q wo w-p w-q or-left contra-by w-q
    w-p w-q wo w-p w-q or-right contra-by both $.

  $( When one of two statements is denied, they do not hold together. $)
  not-both $p |- ( ( ! p | ! q ) -> ! ( p & q ) ) $=
    ( wn wa and-left contra-by and-right either ) ACBCABDZCIAABEFIBABGFH $.

  ${
    meet.1 $e |- ( p -> q ) $.
    meet.2 $e |- ( q -> p ) $.
    $( Implications there and back. $)
    meet $p |- ( p <-> q ) $=
      w-q w-p wi w-p w-q wb meet.2 w-p w-q wi w-q w-p wi w-p w-q wb wi meet.1
      w-p w-q iff-in mp mp $.
  $}

  ${
    iff-swap.1 $e |- ( p <-> q ) $.
    $( The sides of _if and only if_ may change places. $)
    iff-swap $p |- ( q <-> p ) $=
      ( wb wi iff-right mp iff-left meet ) BAABDZBAECABFGJABECABHGI $.
  $}

  ${
    iff-chain.1 $e |- ( p <-> q ) $.
    iff-chain.2 $e |- ( q <-> r ) $.
    $( Statements that mean the same as a third mean the same. $)
    iff-chain $p |- ( p <-> r ) $=
      w-p w-r w-p w-q w-r w-p w-q wb w-p w-q wi iff-chain.1 w-p w-q iff-left mp
      w-q w-r wb w-q w-r wi iff-chain.2 w-q w-r iff-left mp chain w-r w-q w-p
      w-q w-r wb w-r w-q wi iff-chain.2 w-q w-r iff-right mp w-p w-q wb w-q w-p
      wi iff-chain.1 w-p w-q iff-right mp chain meet $.
  $}

  $( The two orders of ~ and-swap mean the same. $)
  and-swap-iff $p |- ( ( p & q ) <-> ( q & p ) ) $=
    ( wa and-swap meet ) ABCBACABDBADE $.

  $( An implication says what its denied reverse says. $)
  contra-iff $p |- ( ( p -> q ) <-> ( ! q -> ! p ) ) $=
    w-p w-q wi w-q wn w-p wn wi w-p w-q contra w-q w-p ax-c meet $.

  $( Two conditions one after the other say what they say at once. $)
  fold $p |- ( ( p -> ( q -> r ) ) <-> ( ( p & q ) -> r ) ) $=
    ( wi wa and-right lift and-left suffix mp ax-s chain under and-in swap meet
    prefix ) ABCDZDZABEZCDZSTBDZUASUBABFGSTRDZUBUADTADSUCDABHTARIJTBCKLMAUARABT
    DZUARDABNUAUDRBTCQOLOP $.

$(
#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#
  Quantifiers
#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#
$)

$(
=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=
  All and some
=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=
$)

  ${
    gen.1 $e |- p $.
    $( What is proved holds of everything. $)
    gen $a |- all x p $.
  $}

  $( A general implication between general statements. $)
  all-dist $a |- ( all x ( p -> q ) -> ( all x p -> all x q ) ) $.

  ${
    $d x p $.
    $( What does not speak of ` x ` holds of every ` x ` . $)
    all-free $a |- ( p -> all x p ) $.
  $}

  $( What is not false of everything is true of something. $)
  ex-in $a |- ( ! all x ! p -> ex x p ) $.

  $( What is true of something is not false of everything. $)
  ex-out $a |- ( ex x p -> ! all x ! p ) $.

  ${
    all-map.1 $e |- ( p -> q ) $.
    $( An implication passes to general statements. $)
    all-map $p |- ( all x p -> all x q ) $=
      w-p w-q wi v-x wall w-p v-x wall w-q v-x wall wi w-p w-q wi v-x all-map.1
      gen w-p w-q v-x all-dist mp $.
  $}

  $( Two things true of everything, taken apart. $)
  all-and $p |- ( all x ( p & q ) -> ( all x p & all x q ) ) $=
    ( wa wall and-left all-map and-right both ) ABDZCEACEBCEJACABFGJBCABHGI $.

  $( Two things true of everything, taken together. $)
  and-all $p |- ( ( all x p & all x q ) -> all x ( p & q ) ) $=
    w-p v-x wall w-q v-x wall w-p w-q wa v-x wall w-p v-x wall w-q w-p w-q wa
    wi v-x wall w-q v-x wall w-p w-q wa v-x wall wi w-p w-q w-p w-q wa wi v-x
    w-p w-q and-in all-map w-q w-p w-q wa v-x all-dist chain import $.

  $( Saying two things of everything is saying each of everything. $)
  all-and-iff $p |- ( all x ( p & q ) <-> ( all x p & all x q ) ) $=
    ( wa wall all-and and-all meet ) ABDCEACEBCEDABCFABCGH $.

  ${
    ex-map.1 $e |- ( p -> q ) $.
    $( An implication passes to statements about something. $)
    ex-map $p |- ( ex x p -> ex x q ) $=
      w-p v-x wex w-p wn v-x wall wn w-q wn v-x wall wn w-q v-x wex w-p v-x
      ex-out w-q wn v-x wall w-p wn v-x wall w-q wn w-p wn v-x w-p w-q ex-map.1
      contra-by all-map contra-by w-q v-x ex-in chain3 $.
  $}

  ${
    $d x p $.
    $( What does not speak of ` x ` and holds of some ` x ` simply holds. $)
    ex-free $p |- ( ex x p -> p ) $=
      ( wex wn wall ex-out all-free contra-by double-out chain3 ) ABCADZBEZDKDA
      ABFKLKBGHAIJ $.
  $}

  $( When one of two things is true of something, their choice is. $)
  or-ex $p |- ( ( ex x p | ex x q ) -> ex x ( p | q ) ) $=
    w-p v-x wex w-q v-x wex w-p w-q wo v-x wex w-p w-p w-q wo v-x w-p w-q
    or-left ex-map w-q w-p w-q wo v-x w-p w-q or-right ex-map either $.

  $( When two things are true of the same thing, each is true of something. $)
  ex-and $p |- ( ex x ( p & q ) -> ( ex x p & ex x q ) ) $=
    ( wa wex and-left ex-map and-right both ) ABDZCEACEBCEJACABFGJBCABHGI $.

  $( What is true of nothing is false of everything. $)
  no-ex $p |- ( ! ex x p -> all x ! p ) $=
    w-p v-x wex wn w-p wn v-x wall wn wn w-p wn v-x wall w-p wn v-x wall wn w-p
    v-x wex w-p v-x ex-in contra-by w-p wn v-x wall double-out chain $.

  $( What is not true of everything is false of something. $)
  not-all $p |- ( ! all x p -> ex x ! p ) $=
    ( wall wn wex double-out all-map contra-by ex-in chain ) ABCZDADZDZBCZDLBEN
    KMABAFGHLBIJ $.

$(
#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#
  Numbers
#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#*#
$)

$(
=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=
  Equality
=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=
$)

  $( Everything equals itself. $)
  eq-refl $a |- t = t $.

  $( Things that equal a third are equal. $)
  eq-join $a |- ( t = u -> ( t = v -> u = v ) ) $.

  ${
    eq-swap.1 $e |- t = u $.
    $( The sides of an equation may change places. $)
    eq-swap $p |- u = t $=
      t-t t-t weq t-u t-t weq t-t eq-refl t-t t-u weq t-t t-t weq t-u t-t weq
      wi eq-swap.1 t-t t-u t-t eq-join mp mp $.
  $}

  ${
    eq-chain.1 $e |- t = u $.
    eq-chain.2 $e |- u = v $.
    $( Two equations make one. $)
    eq-chain $p |- t = v $=
      ( weq wi eq-swap eq-join mp ) BCFZACFZEBAFKLGABDHBACIJJ $.
  $}

  ${
    eq-chain3.1 $e |- t = u $.
    eq-chain3.2 $e |- u = v $.
    eq-chain3.3 $e |- v = w $.
    $( Three equations make one. $)
    eq-chain3 $p |- t = w $=
      t-t t-v t-w t-t t-u t-v eq-chain3.1 eq-chain3.2 eq-chain eq-chain3.3
      eq-chain $.
  $}

$(
=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=
  Sums and products
=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=-=
$)

  $( Equal numbers have equal successors. $)
  eq-succ $a |- ( t = u -> succ t = succ u ) $.

  $( Equal numbers give equal sums, added from the right. $)
  eq-plus $a |- ( t = u -> ( v + t ) = ( v + u ) ) $.

  $( Equal numbers give equal sums, added from the left. $)
  eq-plus-left $a |- ( t = u -> ( t + v ) = ( u + v ) ) $.

  $( Equal numbers give equal products. $)
  eq-times $a |- ( t = u -> ( v * t ) = ( v * u ) ) $.

  $( To add nothing changes nothing. $)
  plus-0 $a |- ( t + 0 ) = t $.

  $( To add the next number gives the next sum. $)
  plus-succ $a |- ( t + succ u ) = succ ( t + u ) $.

  $( Nothing of anything is nothing. $)
  times-0 $a |- ( t * 0 ) = 0 $.

  $( Once more is one more of it. $)
  times-succ $a |- ( t * succ u ) = ( ( t * u ) + t ) $.

  $( What 1 is. $)
  def-1 $a |- 1 = succ 0 $.

  $( What 2 is. $)
  def-2 $a |- 2 = succ 1 $.

  $( What 3 is. $)
  def-3 $a |- 3 = succ 2 $.

  $( What 4 is. $)
  def-4 $a |- 4 = succ 3 $.

  $( What 5 is. $)
  def-5 $a |- 5 = succ 4 $.

  $( A number to which something is added is at most the sum. $)
  le-in $a |- ( ( t + u ) = v -> t <= v ) $.

  ${
    succ-both.1 $e |- t = u $.
    $( The axiom ~ eq-succ as a rule. $)
    succ-both $p |- succ t = succ u $=
      ( weq ts eq-succ mp ) ABDAEBEDCABFG $.
  $}

  ${
    plus-both.1 $e |- t = u $.
    $( The axiom ~ eq-plus as a rule. $)
    plus-both $p |- ( v + t ) = ( v + u ) $=
      t-t t-u weq t-v t-t tp t-v t-u tp weq plus-both.1 t-t t-u t-v eq-plus mp
      $.
  $}

  ${
    times-both.1 $e |- t = u $.
    $( The axiom ~ eq-times as a rule. $)
    times-both $p |- ( v * t ) = ( v * u ) $=
      ( weq tt eq-times mp ) ABECAFCBFEDABCGH $.
  $}

  $( To add one is to take the next number. $)
  plus-1 $p |- ( t + 1 ) = succ t $=
    t-t t1 tp t-t t0 ts tp t-t t0 tp ts t-t ts t1 t0 ts t-t def-1 plus-both t-t
    t0 plus-succ t-t t0 tp t-t t-t plus-0 succ-both eq-chain3 $.

  $( To add two is to take the next number twice. $)
  plus-2 $p |- ( t + 2 ) = succ succ t $=
    ( t2 tp t1 ts def-2 plus-both plus-succ plus-1 succ-both eq-chain3 ) ABCADE
    ZCADCZEAEZEBLAFGADHMNAIJK $.

  $( One and one are two. $)
  one-one $p |- ( 1 + 1 ) = 2 $=
    t1 t1 tp t1 ts t2 t1 plus-1 t2 t1 ts def-2 eq-swap eq-chain $.

  $( Two and two are four. $)
  two-two $p |- ( 2 + 2 ) = 4 $=
    ( t2 tp ts t4 plus-2 t3 def-4 def-3 succ-both eq-chain eq-swap ) AABACZCZDA
    EDMDFCMGFLHIJKJ $.

  $( Three and two are five. $)
  three-two $p |- ( 3 + 2 ) = 5 $=
    t3 t2 tp t3 ts ts t5 t3 plus-2 t5 t3 ts ts t5 t4 ts t3 ts ts def-5 t4 t3 ts
    def-4 succ-both eq-chain eq-swap eq-chain $.

  $( Nothing and one are one. $)
  zero-one $p |- ( 0 + 1 ) = 1 $=
    ( t0 t1 tp ts plus-1 def-1 eq-swap eq-chain ) ABCADZBAEBIFGH $.

  $( Once a number is that number added to nothing. $)
  times-1 $p |- ( t * 1 ) = ( 0 + t ) $=
    t-t t1 tt t-t t0 ts tt t-t t0 tt t-t tp t0 t-t tp t1 t0 ts t-t def-1
    times-both t-t t0 times-succ t-t t0 tt t0 weq t-t t0 tt t-t tp t0 t-t tp
    weq t-t times-0 t-t t0 tt t0 t-t eq-plus-left mp eq-chain3 $.

  $( Twice a number is that number added to once the number. $)
  times-2 $p |- ( t * 2 ) = ( ( t * 1 ) + t ) $=
    ( t2 tt t1 ts tp def-2 times-both times-succ eq-chain ) ABCADEZCADCAFBKAGHA
    DIJ $.

  $( Twice one is two. $)
  twice-one $p |- ( 1 * 2 ) = 2 $=
    t1 t2 tt t1 t1 tt t1 tp t1 t1 tp t2 t1 times-2 t1 t1 tt t1 weq t1 t1 tt t1
    tp t1 t1 tp weq t1 t1 tt t0 t1 tp t1 t1 times-1 zero-one eq-chain t1 t1 tt
    t1 t1 eq-plus-left mp one-one eq-chain3 $.

  $( Two is at most four, and three is at most five. $)
  le-sums $p |- ( 2 <= 4 & 3 <= 5 ) $=
    ( t3 t5 wle t2 t4 wa tp weq three-two le-in mp wi two-two and-in ) ABCZDECZ
    OFZADGBHOIADBJKPOQLDDGEHPMDDEJKPONKK $.

  $( A number is at most the next one. $)
  next-le $p |- t <= succ t $=
    t-t t1 tp t-t ts weq t-t t-t ts wle t-t plus-1 t-t t1 t-t ts le-in mp $.

  $( Every number is at most the next one and the one after that. $)
  all-next-le $p |- all x ( x <= succ x & x <= succ succ x ) $=
    ( tv ts wle wa t2 tp weq plus-2 le-in mp wi next-le and-in gen ) ABZPCZDZPQ
    CZDZEZATUAPFGSHTPIPFSJKRTUALPMRTNKKO $.
