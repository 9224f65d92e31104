// Package epoch publishes values to goroutines that run numbered ticks, and tells when a value that was replaced can no
// longer be in use.
//
// # Problem
//
// Workers run ticks without pause on code that may be replaced at any time. Three things are wanted at once. The change
// must not stop or slow a worker. It must be reproducible: every worker changes at the same tick, or the state depends
// on the scheduler. And what was replaced must be reclaimed, unmapped even, soon after its last use and never before. A
// lock or a reference count gives the last and takes the first; a bare atomic pointer gives the first alone.
//
// # Mechanism
//
// Each worker is a Participant with a slot of its own: one word that holds its next tick, or the one it runs, and whether
// it is parked, that is, will look for publications before it begins that tick. A tick costs it the load of one shared
// pointer in Begin and one atomic addition to its own slot in End.
//
// Publish stores the new Generation, its activation tick undecided, and then reads every slot. The activation tick is
// the highest of: the predecessor's, each participant's next tick that has not begun, the same for those who have left,
// and the floor. The floor is raised by a participant that meets the generation undecided at tick t: it makes sure of
// t+1 by compare-and-swap and runs t on the old one. Publish seals the decision by compare-and-swap on the same word.
//
// A grace period is then a matter of counting: old is out of use when every slot has reached the successor's activation
// tick. Mode Immediate does without the common tick: each participant changes at its next one, and the grace period
// ends when each has passed the tick that it was in, or was seen parked.
//
// # Theorem
//
// Go's atomic operations behave as if executed in one total order that agrees with the order of each goroutine's
// program, and an operation that observes another happens after it (The Go Memory Model). "Before" means this order.
//
// Aligned: with N the activation tick of a generation, every participant runs ticks < N on older generations and ticks
// >= N on it or a newer one; and neither it nor Publish waits. Let a participant begin tick t, that is, have t in its
// slot, not parked, and then load the current pointer for t.
//   - The load precedes the store in Publish: then the slot said "t, not parked" before the store, and the scan, which
//     comes after the store, finds that or a later word of the same participant. Hence N > t, and t on the older
//     generation is right. When the participant has left before the scan, the floor that Close raised says so.
//   - The load sees the generation undecided: the participant raises the floor to t+1 or finds it there, or its
//     compare-and-swap fails, and it looks again. A raise precedes the seal, so N > t.
//   - The load sees it sealed: N is known and the participant obeys it.
//
// Activation ticks never decrease along the generations, since each decision starts from the predecessor's: a generation
// that is not active hides none that is. Begin is two or three loads without a loop, except that the compare-and-swap
// is tried again when another participant raised the floor, once for each of them at most.
//
// Grace: when Grace.Passed is true, no participant, present or future, can be returned the retired generation, and what
// Begin returned in any tick is out of use. Let N be the successor's activation tick, and A its own.
//   - A participant whose slot is at N or above runs no tick before N any more, so by the first part none on old.
//   - It could still meet old on its way to the successor, in the first tick it begins at N. But if A < N, it has run
//     tick A and met old then. If A = N, old was superseded before any tick could run it, and the grace period ends a
//     tick later, when tick A is complete.
//   - One that joins later does so at tick N or above: the verdict and the horizon that Join obeys change under one
//     lock. It starts from the generation of its tick.
//   - In immediate mode the scan comes after the successor's store. A participant in tick t then loads current for t+1
//     after the scan; one that was parked, or is later, for its next tick. If its slot says that it has not met old, it
//     will in its next tick, and the grace period waits for the end of that one, as it does when it met something by
//     Look before that tick. The slot tells first what was met and then which tick it is, and the scan reads in that
//     order.
//   - In aligned mode what a parked participant meets by Look before tick t is active from t exactly, unless it has just
//     joined. The successor is active from t or later: if from t, Retire finds that it has looked and waits for t's end.
//
// Everything a participant did before End, Park or Close happens before whatever follows a scan that sees the word that
// it stored: reclaiming is ordered after use without any fence in the tick.
//
// Met in order: a participant is returned every generation published while it is a member, each once, in order. It
// follows the links from the one it holds, and links are stored before the current pointer that makes it look. A link
// is cut only when every participant's slot says that it has met what the link leads to; it says so after it read the
// link.
//
// Wake-up: a Wait or Reach whose condition has come returns, even if every participant is silent from then on. The
// waiter is listed, then lowers the participant's wanted word, then scans the slots. The participant changes its slot,
// then loads wanted. If the scan misses the change, the load sees wanted lowered, and the participant finds the waiter
// listed; it forgets what was wanted before it reads the list, so that a waiter it misses lowers wanted after that. Of
// two participants that are last at once, the later in the order sees the other in its own scan. Leaving takes the
// lock, and reads the list under it.
//
// # Memory order
//
// Each pair is store-then-load on both sides, so that one of the two sees the other:
//
//	Participant.word    stored by End, Park and arrive   then loads Domain.current     | Publish stores current, then loads word
//	Participant.word    stored by End and Park           then loads Participant.wanted | await stores wanted, then loads word
//	Participant.looked  stored by Look                   then loads Domain.current     | Publish stores current, then Retire loads looked
//	Participant.wanted  raised by tell                   then loads Domain.waiters     | await stores waiters, then lowers wanted
//	Generation.activation   compare-and-swap             on the same word              | compare-and-swap
//	Generation.next     stored before Domain.current     and loaded after it           | cut after met was loaded, stored after next was read
//	Domain.participants stored by Join before Begin      which loads current           | Publish stores current, then loads participants
//
// # What it does not do
//
// A Grace.Wait inside a tick waits for that tick, for ever. The package cannot tell cheaply who calls: a goroutine has
// no identity, and a mark in Begin would cost every tick. The mistake shows at the context's end instead: the error
// names the participant and the tick.
//
// Memory other than a generation's own is the caller's: what code handed out, threads it started, destructors it left
// behind. A tick that never ends delays reclamation and no publication.
//
// A grace period is as long as the slowest participant's tick and the scheduler make it. With more busy goroutines than
// processors that is a time slice of the Go scheduler for each, 10 ms, unless they park and yield more often. The last
// participant to pass yields by itself.
//
// # Parts
//
//   - Domain: New, Join, Publish, Close (domain.go), and what is known of it: Stats, Slowest, Reach (stats.go)
//   - Generation: the value, its epoch and its activation tick (generation.go)
//   - Participant: Begin, End, Park, Close (participant.go), Look and EndPark for those who wait between ticks (look.go)
//   - Grace: Retire, Passed, Wait (grace.go), Behind and who is named by it (straggler.go), how it is woken (waiter.go)
//   - model: the protocol in Promela, with variants that are broken on purpose; `make model` checks it
//
// The mechanism descends from quiescent-state-based reclamation (McKenney and Slingwine 1998; liburcu's qsbr flavour;
// DPDK's rte_rcu_qsbr); the activation tick is what it adds.
package epoch
