package control

import "fmt"

// Role is what a client may do. Each role includes those before it.
type Role uint8

// The roles.
const (
	Read    Role = iota + 1 // look: status, state, events, metrics
	Operate                 // also reload what is on the host, and roll back
	Deploy                  // also push libraries: run code
)

// Roles lists the roles, least first.
var Roles = []Role{Read, Operate, Deploy}

// String returns the role's name.
func (r Role) String() string {
	switch r {
	case Read:
		return "read"
	case Operate:
		return "operate"
	case Deploy:
		return "deploy"
	}
	return fmt.Sprintf("role(%d)", uint8(r))
}

// ParseRole returns the role with the given name.
func ParseRole(name string) (Role, error) {
	for _, r := range Roles {
		if r.String() == name {
			return r, nil
		}
	}
	return 0, fmt.Errorf("role: expected read, operate or deploy, got %q", name)
}
