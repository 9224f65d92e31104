#include "textflag.h"

// Offsets in record.
#define fn     0
#define base   8
#define stride 16
#define count  24
#define dt     32
#define arg1   40
#define arg2   48
#define arg3   56
#define index  64
#define result 72
#define sp     80
#define active 88

GLOBL ·enterABI0(SB), NOPTR|RODATA, $8
DATA ·enterABI0(SB)/8, $·enter0(SB)

// int enter0(record *r), C ABI, on the system stack.
// for (r->index = 0; r->index < r->count; r->index++)
//	r->result = r->fn(r->base + r->index*r->stride, r->arg1, r->arg2, r->arg3, r->dt);
TEXT ·enter0(SB), NOSPLIT|NOFRAME, $0-0
	PUSHQ BP
	MOVQ  SP, BP
	PUSHQ BX
	PUSHQ R12
	PUSHQ R13
	PUSHQ R14
	PUSHQ R15
	SUBQ  $8, SP           // 16-byte alignment at the calls

	MOVQ DI, BX
	MOVQ base(BX), R12     // first argument
	MOVQ stride(BX), R13
	MOVQ fn(BX), R14
	XORQ R15, R15          // calls completed
	MOVQ SP, sp(BX)
	MOVQ $1, active(BX)
	JMP  check

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
