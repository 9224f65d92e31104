#include "textflag.h"

// Offsets in record.
#define fn      0
#define base    8
#define stride  16
#define count   24
#define dt      32
#define arg1    40
#define arg2    48
#define arg3    56
#define index   64
#define result  72
#define sp      80
#define active  88
#define tid     96
#define low     104
#define high    112
#define seq     120
#define cancel  128
#define signo   136
#define code    144
#define addr    152
#define pc      160
#define mxcsr   168
#define fpucw   172
#define first   176

// Offsets in Linux's siginfo_t and ucontext_t.
#define si_code  8
#define si_addr  16
#define uc_rbx   128
#define uc_rsp   160
#define uc_rip   168
#define uc_flags 176

#define SIGABRT  6
#define SI_TKILL (-6)
#define SYS_gettid 186

GLOBL ·enterABI0(SB), NOPTR|RODATA, $8
DATA ·enterABI0(SB)/8, $·enter0(SB)
GLOBL ·catchABI0(SB), NOPTR|RODATA, $8
DATA ·catchABI0(SB)/8, $·catch0(SB)

// int enter0(record *r), C ABI, on the system stack: 0, or 1 when call r->index faulted.
//
//	for (r->index = 0; r->index < r->count; r->index++)
//		r->result = r->fn(r->base + r->index*r->stride, r->arg1, r->arg2, r->arg3, r->dt);
TEXT ·enter0(SB), NOSPLIT|NOFRAME, $0-0
	PUSHQ BP
	MOVQ  SP, BP
	PUSHQ BX
	PUSHQ R12
	PUSHQ R13
	PUSHQ R14
	PUSHQ R15
	SUBQ  $8, SP           // 16-byte alignment at the calls

	MOVQ    DI, BX
	MOVQ    base(BX), R12  // first argument
	MOVQ    stride(BX), R13
	MOVQ    fn(BX), R14
	XORQ    R15, R15       // calls completed
	MOVQ    R15, index(BX)
	MOVQ    R12, first(BX)
	STMXCSR mxcsr(BX)
	FSTCW   fpucw(BX)
	INCQ    seq(BX)
	MOVQ    SP, sp(BX)
	MOVQ    $1, active(BX) // after all that recovery needs
	JMP     check

loop:
	MOVQ  R12, DI
	MOVQ  arg1(BX), SI
	MOVQ  arg2(BX), DX
	MOVQ  arg3(BX), CX
	MOVSD dt(BX), X0
	CALL  R14
	MOVQ  AX, result(BX)
	ADDQ  R13, R12
	INCQ  R15
	MOVQ  R15, index(BX)

check:
	CMPQ R15, count(BX)
	JCS  loop

	MOVQ $0, active(BX)
	XORL AX, AX
	ADDQ $8, SP
	POPQ R15
	POPQ R14
	POPQ R13
	POPQ R12
	POPQ BX
	POPQ BP
	RET

// Where catch0 makes a faulted call go on: BX is the record and SP the one saved in it, all else is unknown. It returns
// 1 to the caller of enter0, as if the called code had returned, so the Go runtime's books stay right.
TEXT ·recover0(SB), NOSPLIT|NOFRAME, $0-0
	CLD
	FINIT
	FLDCW   fpucw(BX)
	LDMXCSR mxcsr(BX)
	MOVQ    $0, active(BX)
	MOVL    $1, AX
	JMP     restore        // (go vet's frame-pointer check reads up to the first jump)

restore:
	MOVQ    8(SP), R15     // what enter0 pushed
	MOVQ    16(SP), R14
	MOVQ    24(SP), R13
	MOVQ    32(SP), R12
	MOVQ    40(SP), BX
	MOVQ    48(SP), BP
	LEAQ    56(SP), SP
	RET

// void catch0(int signo, siginfo_t *info, void *ucontext), the signal handler. It runs on the alternate signal stack
// that Go gives each thread, with all signals blocked, touches no stack beyond its return address and calls nothing.
TEXT ·catch0(SB), NOSPLIT|NOFRAME, $0-0
	MOVL $SYS_gettid, AX
	SYSCALL                   // clobbers AX, CX, R11

	// The record of this thread.
	LEAQ ·records(SB), R8
	MOVQ ·recordsEnd(SB), R9  // one past the last slot ever used
	JMP  next

search:
	SUBQ  $1, R9
	MOVQ  (R8)(R9*8), R10
	TESTQ R10, R10
	JEQ   next
	CMPQ  tid(R10), AX
	JEQ   found

next:
	TESTQ R9, R9
	JNE   search
	JMP   pass

found:
	CMPQ active(R10), $0
	JEQ  pass
	MOVQ uc_rip(DX), R8

	// Not ours: Go code that native code has called back.
	CMPQ R8, ·goTextLow(SB)
	JCS  native
	CMPQ R8, ·goTextHigh(SB)
	JCS  pass

native:
	CMPL DI, ·cancelSignal(SB)
	JEQ  cancelled

	// Not ours: a signal that somebody sent, except abort, which sends one to its own thread.
	MOVL si_code(SI), R11
	CMPL R11, $0
	JGT  mine
	CMPL DI, $SIGABRT
	JNE  pass
	CMPL R11, $SI_TKILL
	JNE  pass

mine:
	MOVQ DI, signo(R10)
	MOVL si_code(SI), R11
	MOVQ R11, code(R10)
	MOVQ si_addr(SI), R11
	MOVQ R11, addr(R10)

divert:
	MOVQ R8, pc(R10)
	MOVQ R10, uc_rbx(DX)
	MOVQ sp(R10), R11
	MOVQ R11, uc_rsp(DX)
	LEAQ ·recover0(SB), R11
	MOVQ R11, uc_rip(DX)
	ANDQ $~0x40500, uc_flags(DX) // alignment check, direction and trap flags
	RET

	// The watchdog wants this call to end. Only in the plugin's own text: elsewhere a lock may be held.
cancelled:
	MOVQ cancel(R10), R11
	CMPQ R11, seq(R10)        // this call, not the one it was meant for
	JNE  ignore
	CMPQ R8, low(R10)
	JCS  ignore
	CMPQ R8, high(R10)
	JCC  ignore
	MOVQ DI, signo(R10)
	MOVQ $0, code(R10)
	MOVQ $0, addr(R10)
	JMP  divert

pass:
	CMPL DI, ·cancelSignal(SB)
	JEQ  ignore
	LEAQ ·previous(SB), R8
	MOVLQSX DI, R9
	MOVQ (R8)(R9*8), R8
	JMP  R8

ignore:
	RET
