/*
 * The publication protocol of package epoch, one step for each atomic operation of the code. Names are the code's.
 *
 * Workers call Begin until it returns the same generation twice, run a tick, End; in between they may Park, Close, within
 * a tick too, or fall silent for good. The last one joins late, at any tick that is allowed. One process publishes, one
 * retires each superseded generation, waits, and reclaims it.
 *
 * Each property is an assertion on a variable of its name, set when the property is broken:
 *   misaligned       a tick ran on two generations (aligned mode)
 *   out_of_order     a participant met a generation without having met the one before
 *   returns_dead     Begin returned what is reclaimed
 *   reclaims_used    what Begin returned was reclaimed before End, Park or Close
 *   reads_cut        a link was read that is not there
 *   lost_wakeup      the waiter sleeps, everybody is silent, and what it waits for has come
 *   blames_falsely   Begin's check for a missed generation panics although Begin was called as it must be
 *
 * Parameters: IMMEDIATE, NW workers, LATE of them join late, NG generations, TICKS, GRACE (Retire's ticks), PARKS for
 * each worker, LEAVES (they may Close), LOOKS (whoever parks looks), UNRETIRED (nothing is retired: the alignment alone, for larger sizes), UNCHECKED
 * (without Begin's check for a missed generation, so that what it would report shows by itself). Every other name is a
 * broken variant: run.sh lists them with the property that each breaks.
 *
 * Bounds: a handful of ticks and generations, one waiter at a time, sequentially consistent memory, as Go's atomics are.

 */
#ifndef NW
#define NW 2
#endif
#ifndef NG
#define NG 3
#endif
#ifndef TICKS
#define TICKS 2
#endif
#ifndef LATE
#define LATE 0
#endif
#ifndef GRACE
#define GRACE 0
#endif
#ifndef PARKS
#define PARKS 1
#endif
#define NOBODY 99
#define BIT(x) (1 << (x))
#define MAX(a, b) ((a) > (b) -> (a) : (b))

/* Domain */
byte current = 1;
byte tail = 1;
byte horizon = 0;
byte floor = 0;
byte members = 0;      /* the list of participants: one word, as the code has one pointer */
bool mu = false;

/* Generation, by epoch */
byte next[NG + 2];
byte act[NG + 2];
bool sealed[NG + 2];
byte until[NG + 2];
byte superseded = 0;   /* generations whose Publish has returned */

/* Participant: word is (tick, parked) and changes in one step */
byte tick[NW];
bool parked[NW];
byte wanted[NW];
byte met[NW];
#ifdef LOOKS
byte looked[NW];
#endif

/* The one waiter, its goal, and in immediate mode each participant's need */
bool listed = false;
bool kicked = false;
byte goal = 0;
#ifdef IMMEDIATE
byte need[NW];
bool parking[NW];
#endif

/* What the assertions watch */
bool dead[NG + 2];
byte uses[NW];         /* what Begin has returned since the last End, Park or Close */
byte ran[TICKS + 1];
bool sleeping = false;
bool misaligned, out_of_order, returns_dead, reclaims_used, reads_cut, lost_wakeup, blames_falsely;

#define LOCK   atomic { !mu -> mu = true }
#define UNLOCK mu = false

#ifdef IMMEDIATE
#define TARGET(p) need[p]
#define PARKING(p) (parking[p] && parked[p])
#else
#define TARGET(p) goal
#define PARKING(p) false
#endif

#ifdef CLOSE_BEGUN
#define LEFT_AT(p) tick[p]
#else
#define LEFT_AT(p) (tick[p] + (parked[p] -> 0 : 1))
#endif
#if defined(LOOKS) && !defined(LOOK_IGNORED)
#define LOOKED(p, t) (looked[p] == (t) + 1)
#else
#define LOOKED(p, t) false
#endif
#define FREE(p) (tick[p] + (parked[p] -> 0 : 1))

/* goal.reachedBy: the word in one step, then the verdict; a need that parking has met is taken note of */
inline reached_by(p, yes)
{
	d_step {
		yes = (tick[p] >= TARGET(p));
#ifdef IMMEDIATE
		if
		:: !yes && PARKING(p) -> yes = true;
#ifndef PARK_UNNOTED
			need[p] = 0;
#endif
		:: else
		fi
#endif
	}
}

/* goal.reached over a list that was loaded in one step */
inline reached(list, i, yes)
{
	i = 0; yes = true;
	do
	:: i < NW && yes ->
		if
		:: list & BIT(i) -> reached_by(i, yes)
		:: else
		fi;
		i++
	:: else -> break
	od;
	i = 0
}

inline lower(p)
{
	d_step {
		if
		:: TARGET(p) < wanted[p] -> wanted[p] = TARGET(p)
		:: else
		fi
	}
}

/* Participant.tell */
inline tell(w)
{
#ifdef WANTED_RAISED_LATE
	l = listed;
	wanted[w] = NOBODY;
#else
	wanted[w] = NOBODY;
	l = listed;
#endif
	if
	:: l ->
		reached_by(w, yes);
		if
		:: !yes -> lower(w)
		:: else ->
			list = members;
			reached(list, i, yes);
			if
			:: yes -> kicked = true
			:: else
			fi
		fi
	:: else
	fi;
	l = false; list = 0; yes = false
}

/* Generation.activeAt */
inline active_at(g, t, yes)
{
	do
	:: d_step { a = act[g]; s = sealed[g] };
		if
		:: s -> yes = (a <= t); break
		:: !s && a > t -> yes = false; break
		:: else ->
#ifdef FLOOR_NOT_RAISED
			yes = false; break
#else
			atomic {
				if
				:: act[g] == a && !sealed[g] -> act[g] = t + 1; yes = false; break
				:: else
				fi
			}
#endif
		fi
	od;
	a = 0; s = false
}

/* what Begin returns; the caller may use it until End, Park or Close */
inline returns(w)
{
	uses[w] = uses[w] | BIT(held);
	returns_dead = dead[held];
	assert(!returns_dead)
}

/* Participant.arrive */
inline arrive(w)
{
#ifdef ANNOUNCE_LATE
	newest = current;
	d_step { parked[w] = false; first = (met[w] == 0); changed = first };
#else
	parked[w] = false;
	d_step { newest = current; first = (met[w] == 0); changed = first };
#endif
	do
	:: held != newest ->
		d_step {
			nxt = next[held];
			reads_cut = (nxt == 0);
			assert(!reads_cut);
			out_of_order = (nxt != held + 1);
			assert(!out_of_order)
		};
		active_at(nxt, tick[w], yes);
		if
		:: !yes -> break
		:: else ->
#if !defined(IMMEDIATE) && !defined(UNCHECKED)
			atomic {
				blames_falsely = (!first && act[nxt] < tick[w]);
				assert(!blames_falsely)
			};
#endif
			held = nxt; changed = true;
			if
			:: first
			:: else -> break
			fi
		fi
	:: else -> break
	od;
	atomic { met[w] = held; returns(w) };
	fast = (held == newest -> held : 0);
	nxt = 0; yes = false; newest = 0; first = false
}

/* Begin, until it returns the same one twice */
inline begin(w)
{
	do
	:: if
		:: atomic { current == fast -> returns(w) }; changed = false
		:: else -> arrive(w)
		fi;
		if
		:: changed
		:: else -> break
		fi
	od;
	changed = false
}

/* Participant.Look, until it returns the same one twice; what is new may be used until End, Park or Close */
inline look(w)
{
#ifdef LOOKS
	do
	:: a = looked[w]; looked[w] = tick[w] + 1;
		d_step { newest = current; first = (met[w] == 0); changed = false };
		do
		:: held != newest ->
			d_step {
				nxt = next[held];
				reads_cut = (nxt == 0);
				assert(!reads_cut);
				out_of_order = (nxt != held + 1);
				assert(!out_of_order)
			};
			if
			:: atomic { sealed[nxt] && act[nxt] <= tick[w] -> yes = true }
			:: else -> break
			fi;
			yes = false;
			held = nxt; changed = true;
			if
			:: first
			:: else -> break
			fi
		:: else -> break
		od;
		changed = changed || first;
		if
		:: changed
		:: else -> looked[w] = a
		fi;
		atomic {
			met[w] = held;
			if
			:: changed -> returns(w)
			:: else
			fi
		};
		a = 0; nxt = 0; newest = 0; first = false;
		if
		:: changed
		:: else -> break
		fi
	od;
	changed = false
#else
	skip
#endif
}

inline park(w)
{
	d_step { uses[w] = 0; parked[w] = true };
#ifndef FAST_KEPT
	fast = 0;
#endif
#ifdef LOOKS
	looked[w] = 0;
#endif
#ifndef PARK_SILENT
	if
	:: wanted[w] != NOBODY -> tell(w)
	:: else
	fi;
#endif
	look(w)
}

/* Domain.leave */
inline leave(w)
{
	LOCK;
	d_step {
#ifndef FLOOR_WITHOUT_DEPARTED
		floor = MAX(floor, LEFT_AT(w));
#endif
		uses[w] = 0; parked[w] = true
	};
	members = members & ~BIT(w);
#ifndef LEAVE_SILENT
	if
	:: listed ->
		list = members;
		reached(list, i, yes);
		if
		:: yes -> kicked = true
		:: else
		fi
	:: else
	fi;
#endif
	list = 0; yes = false;
	UNLOCK
}

/* Domain.Join; the tick at hand is t */
inline join(w, t)
{
	LOCK;
	if
#ifndef JOIN_BELOW_HORIZON
	:: t < horizon -> UNLOCK; goto over
#endif
	:: else ->
		held = tail;
		do
		:: next[held] != 0 ->
			active_at(next[held], t, yes);
			if
			:: yes -> held = next[held]
			:: else -> break
			fi
		:: else -> break
		od;
		yes = false;
		d_step {
			tick[w] = t; parked[w] = true; met[w] = 0; wanted[w] = NOBODY;
#ifdef IMMEDIATE
			need[w] = 0; parking[w] = false
#endif
		};
		if
		:: listed ->
			reached_by(w, yes);
			if
			:: yes
			:: else -> lower(w)
			fi
		:: else
		fi;
		yes = false;
#ifndef REGISTERED_LATE
		members = members | BIT(w);
#endif
		UNLOCK
	fi
}

proctype worker(byte w; bool late)
{
	byte held = 1, fast = 0, newest, nxt, a, i, list, parks;
	bool first, changed, yes, s, l;

	if
	:: late ->
		if
		:: join(w, 0)
		:: join(w, 1)
		:: TICKS > 2 -> join(w, 2)
		:: goto over
		fi;
#ifdef LOOKS
		look(w)
#endif
	:: else
	fi;
	do
	:: tick[w] < TICKS ->
		begin(w);
		if
		:: parks < PARKS -> park(w); parks++ /* an abandoned tick */
		:: true ->
#ifndef IMMEDIATE
			d_step {
				misaligned = (ran[tick[w]] != 0 && ran[tick[w]] != held);
				assert(!misaligned);
				ran[tick[w]] = held
			};
#endif
#ifdef LEAVES
			if
			:: true
			:: leave(w); break /* a panic within the tick */
			fi;
#endif
			/* End */
#ifdef WANTED_READ_EARLY
			a = wanted[w];
			d_step { uses[w] = 0; tick[w]++ };
			if
			:: tick[w] >= a -> a = 0; tell(w)
			:: else -> a = 0
			fi;
#else
			d_step { uses[w] = 0; tick[w]++ };
			if
			:: tick[w] >= wanted[w] -> tell(w)
			:: else
			fi;
#endif
#ifdef REGISTERED_LATE
			LOCK; members = members | BIT(w); UNLOCK;
#endif
			if
			:: parks < PARKS -> park(w); parks++
			:: true
			fi
		fi
#ifdef LEAVES
	:: leave(w); break
#endif
	:: break /* silent from here on */
	od;
over:
	skip
}

/* Domain.forget, under mu */
inline forget()
{
	m = NG + 1; i = 0; list = members;
	do
	:: i < NW ->
		if
		:: list & BIT(i) ->
#ifdef CUT_BY_NEWEST
			m = current
#else
			d_step {
				if
				:: met[i] < m -> m = met[i]
				:: else
				fi
			}
#endif
		:: else
		fi;
		i++
	:: else -> break
	od;
	i = 0;
	do
	:: next[tail] != 0 && next[tail] <= m && (list != 0 || act[next[tail]] <= horizon) ->
		atomic { nxt = next[tail]; next[tail] = 0 };
		tail = nxt; nxt = 0;
		horizon = MAX(horizon, act[tail])
	:: else -> break
	od;
	list = 0; m = 0
}

inline scan(tickVar)
{
	i = 0; list = members;
	tickVar = MAX(act[g - 1], floor);
	do
	:: i < NW ->
		d_step {
			tickVar = (list & BIT(i) -> MAX(tickVar, FREE(i)) : tickVar);
			i++
		}
	:: else -> break
	od;
	i = 0; list = 0
}

inline set_needs(g)
{
#ifdef IMMEDIATE
	i = 0; list = members;
	do
	:: i < NW ->
		if
		:: list & BIT(i) ->
#ifndef MET_READ_LATE
			m = met[i];
#endif
			d_step { t = tick[i]; pk = parked[i] };
#ifdef MET_READ_LATE
			m = met[i];
#endif
			d_step {
#ifdef UNMET_IGNORED
				a = GRACE;
#else
				a = ((m != 0 && m < g) || (pk && LOOKED(i, t)) -> MAX(GRACE, 1) : GRACE);
#endif
				need[i] = t + (pk -> 0 : 1) + a; parking[i] = (a == 0); a = 0; t = 0; pk = false
			}
		:: else -> d_step { need[i] = 0; parking[i] = false }
		fi;
		i++
	:: else -> break
	od;
	i = 0; list = 0; m = 0
#else
	skip
#endif
}

proctype publisher()
{
	byte g, i, list, m, nxt, t, a;
	bool pk;
	for (g : 2 .. NG) {
		LOCK;
		forget();
#ifdef IMMEDIATE
		sealed[g] = true;
#ifdef TARGETS_READ_FIRST
		set_needs(g - 1);
#endif
#endif
#ifdef SLOTS_READ_FIRST
		scan(t);
#endif
#ifdef LINKED_LATE
		current = g;
		next[g - 1] = g;
#else
		next[g - 1] = g;
		current = g;
#endif
#ifndef IMMEDIATE
#ifndef SLOTS_READ_FIRST
		scan(t);
#endif
		d_step {
#ifdef SEALED_WITHOUT_FLOOR
			act[g] = t;
#else
			act[g] = MAX(act[g], t);
#endif
			sealed[g] = true
		};
#endif
		d_step { until[g - 1] = act[g]; superseded = g - 1 };
		UNLOCK;
	}
}

proctype reclaimer()
{
	byte g, i, list, m, nxt, t, a;
	bool yes, pk;
	for (g : 1 .. NG - 1) {
		superseded >= g;
		/* Domain.Retire */
		LOCK;
#ifdef IMMEDIATE
#ifndef TARGETS_READ_FIRST
		set_needs(g);
#endif
#else
#ifdef FREED_EARLY
		goal = until[g] + GRACE - (until[g] + GRACE > 0 -> 1 : 0);
#else
#ifdef UNMET_IGNORED
		goal = until[g] + GRACE;
#else
		goal = MAX(until[g] + GRACE, act[g] + 1);
#endif
#ifdef LOOKS
		i = 0; list = members;
		do
		:: i < NW ->
			t = tick[i];
			d_step {
				goal = ((list & BIT(i)) && t == until[g] && LOOKED(i, t) -> MAX(goal, until[g] + 1) : goal);
				t = 0; i++
			}
		:: else -> break
		od;
		i = 0; list = 0;
#endif
#endif
#endif
		UNLOCK;
		/* Grace.Wait */
		LOCK;
		list = members; reached(list, i, yes); list = 0;
		if
		:: yes
		:: else ->
			d_step { listed = true; kicked = false };
#ifdef WANTED_LATE
			list = members; reached(list, i, yes); list = 0;
#endif
			list = members;
			do
			:: i < NW ->
				if
				:: list & BIT(i) ->
					reached_by(i, yes);
					if
					:: yes
					:: else -> lower(i)
					fi
				:: else
				fi;
				i++
			:: else -> break
			od;
			i = 0; list = 0;
#ifdef WANTED_LATE
			yes = false;
			goto sleep;
#endif
			do
			:: list = members; reached(list, i, yes); list = 0;
				if
				:: yes -> break
				:: else ->
sleep:
					UNLOCK;
					sleeping = true;
end_asleep:
					atomic { kicked -> kicked = false; sleeping = false };
					LOCK
				fi
			od
		fi;
		/* Grace.passed */
#ifdef HORIZON_LATE
		UNLOCK; LOCK;
#endif
		atomic { horizon = MAX(horizon, until[g]); listed = false; kicked = false };
		forget();
		UNLOCK;
		atomic {
			dead[g] = true;
			for (i : 0 .. NW - 1) {
				reclaims_used = reclaims_used || (uses[i] & BIT(g))
			}
			i = 0;
			assert(!reclaims_used)
		}
	}
}

proctype watcher()
{
	byte i;
	bool all = true;
	timeout;
	atomic {
		for (i : 0 .. NW - 1) {
			all = all && (!(members & BIT(i)) || tick[i] >= TARGET(i) || PARKING(i))
		}
		lost_wakeup = (sleeping && all);
		assert(!lost_wakeup)
	}
}

init
{
	byte w;
	atomic {
		sealed[1] = true;
		for (w : 0 .. NW - 1) {
			wanted[w] = NOBODY;
			parked[w] = true;
			members = (w < NW - LATE -> members | BIT(w) : members);
			run worker(w, w >= NW - LATE)
		}
#ifndef UNRETIRED
		run reclaimer();
		run watcher();
#endif
		run publisher()
	}
}
