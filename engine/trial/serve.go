package trial

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"

	"hotreload/engine/native"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// firstPrivate is the lowest number of the descriptors that the child keeps for itself: out of the way of a library that
// opens files and closes what it takes for its own.
const firstPrivate = 100

// server is the life of a child: it warms up, receives one request, and answers it.
type server struct {
	control  int // descriptor
	inode    uint64
	ledger   *ledger
	requests chan *delivery // capacity 1; closed when the parent has gone before it asked
	tasks    errgroup.Group
}

// delivery is a request with the file that came with it; -1 for none.
type delivery struct {
	request *request
	file    int
}

// serve is the child. It returns its exit status, unless it is killed first, which is the rule: the parent kills the
// child once it has the answer.
func serve() int {
	s, err := newServer()
	if err == nil {
		s.tasks.Go(s.listen)
		s.tasks.Go(s.rehearse)
		err = s.tasks.Wait()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "trial:", err)
		return 1
	}
	return 0
}

func newServer() (*server, error) {
	debug.SetTraceback("none") // a crash of the library's is one line to the parent
	debug.SetGCPercent(-1)     // life is short
	s := &server{requests: make(chan *delivery, 1)}
	var err error
	if s.ledger, err = mapLedger(ledgerDescriptor); err != nil {
		return nil, err
	}
	_ = unix.Close(ledgerDescriptor)
	if s.control, err = keep(controlDescriptor); err != nil {
		return nil, err
	}
	if _, err = keep(leashDescriptor); err != nil {
		return nil, err
	}
	if err := closeInherited(); err != nil {
		return nil, err
	}
	var st unix.Stat_t
	if err := unix.Fstat(s.control, &st); err != nil {
		return nil, err
	}
	s.inode = st.Ino
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return nil, fmt.Errorf("switch off core files: %w", err)
	}
	// What a library forks and forgets becomes the child of this process, which can then see and end it.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return nil, fmt.Errorf("adopt orphans: %w", err)
	}
	return s, nil
}

// keep moves a descriptor to a private number, closed on exec.
func keep(fd int) (int, error) {
	private, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, firstPrivate)
	if err != nil {
		return 0, fmt.Errorf("move descriptor %d: %w", fd, err)
	}
	return private, unix.Close(fd)
}

// closeInherited closes what code without care has let the parent hand down. What this process has opened by itself is
// marked to be closed on exec, as Go does; what it has inherited cannot be.
func closeInherited() error {
	numbers, err := numbersIn("/proc/self/fd")
	if err != nil {
		return fmt.Errorf("list descriptors: %w", err)
	}
	for _, fd := range numbers {
		if fd <= 2 {
			continue
		}
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil && flags&unix.FD_CLOEXEC == 0 {
			_ = unix.Close(fd)
		}
	}
	return nil
}

// listen receives the request and then waits for the parent to go, which ends the whole group at once.
func (s *server) listen() error {
	d, err := s.receive()
	if d == nil {
		close(s.requests)
		return err
	}
	s.requests <- d
	for {
		if d, err := s.receive(); d == nil && err == nil {
			return unix.Kill(0, unix.SIGKILL)
		}
	}
}

// receive returns the next request, nil without an error at the end of the connection.
func (s *server) receive() (*delivery, error) {
	buffer, rights := make([]byte, maxMessage), make([]byte, unix.CmsgSpace(4))
	var n, rightsN int
	for {
		var err error
		n, rightsN, _, _, err = unix.Recvmsg(s.control, buffer, rights, unix.MSG_CMSG_CLOEXEC)
		if err == nil {
			break
		}
		if !errors.Is(err, unix.EINTR) {
			return nil, nil // the connection is broken: as good as ended
		}
	}
	if n == 0 {
		return nil, nil
	}
	d := &delivery{file: -1}
	if messages, err := unix.ParseSocketControlMessage(rights[:rightsN]); err == nil && len(messages) == 1 {
		if files, err := unix.ParseUnixRights(&messages[0]); err == nil && len(files) == 1 {
			d.file = files[0]
		}
	}
	var err error
	if d.request, err = decodeRequest(buffer[:n]); err != nil {
		return nil, err
	}
	return d, nil
}

// rehearse gets ready, waits for the request, carries it out and answers.
func (s *server) rehearse() error {
	contained := native.Contain()
	r := &rehearsal{server: s, thread: native.NewThread()}
	r.libc = findLibc()
	if contained != nil {
		r.warn(WarnContainment, contained.Error())
	}
	err := r.markThread()
	if err != nil {
		return err
	}
	if r.before, err = r.observe(); err != nil { // the first time also warms up what observing needs
		return err
	}
	if r.before, err = r.observe(); err != nil {
		return err
	}
	if err := s.send(nil); err != nil {
		return err
	}
	d, ok := <-s.requests
	if !ok {
		return nil
	}
	limit := &unix.Rlimit{Cur: d.request.processor, Max: d.request.processor}
	if err := unix.Setrlimit(unix.RLIMIT_CPU, limit); err != nil {
		return fmt.Errorf("limit the processor time: %w", err)
	}
	return s.send(r.run(d))
}

// send sends the news that this child is ready, or its answer.
func (s *server) send(a *answer) error {
	message := []byte("ready")
	if a != nil {
		message = a.encode()
	}
	s.check()
	return unix.Sendto(s.control, message, unix.MSG_NOSIGNAL, nil)
}

// check ends this process when the library has closed the connection to its parent: in a host it would have closed
// other things.
func (s *server) check() {
	var st unix.Stat_t
	if err := unix.Fstat(s.control, &st); err != nil || st.Ino != s.inode {
		s.ledger.lose()
		unix.Exit(1)
	}
}
