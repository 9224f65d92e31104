package strategy

import (
	"unsafe"

	"hotreload/bench/internal/peer"
	"hotreload/engine/abi"
	"hotreload/engine/native"
)

// trusting reads a library's memory as strategies do that are not ours: whatever it points to.
type trusting struct{}

// Bytes implements abi.Memory.
func (trusting) Bytes(addr uintptr, n int) ([]byte, error) {
	return unsafe.Slice((*byte)(*(*unsafe.Pointer)(unsafe.Pointer(&addr))), n), nil
}

// Text implements abi.Memory.
func (trusting) Text(uintptr) bool { return true }

// loadBare loads a library as strategies do that are not ours.
func loadBare(path string) (*code, error) {
	bare, err := peer.Load(path)
	if err != nil {
		return nil, err
	}
	api, err := abi.Read(trusting{}, bare.API())
	return &code{library: &native.Library{}, bare: bare, api: api}, err
}

// replaceBare drops a library and loads the next.
func replaceBare(old *code, path string) (*code, error) {
	if err := old.bare.Close(); err != nil {
		return nil, err
	}
	return loadBare(path)
}
