//go:build !amd64

package native

import "github.com/ebitengine/purego"

// enter makes the calls that r describes, one crossing each: this architecture has no assembly.
func enter(r *record) {
	var call func(state, a1, a2, a3 uintptr, dt float64) uintptr
	purego.RegisterFunc(&call, r.fn)
	r.active = 1
	for r.index = 0; r.index < r.count; r.index++ {
		r.result = call(r.base+r.index*r.stride, r.args[0], r.args[1], r.args[2], r.dt)
	}
	r.active = 0
}
