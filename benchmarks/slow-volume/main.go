// slow-volume shows a folder once more, with a delay added to each file operation, as on a network file system.
//
//	slow-volume -delay 1ms ORIGINAL MOUNT_POINT
//
// It prints "mounted" when it is, and ends when it is unmounted or told to stop.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

func main() {
	delay := flag.Duration("delay", time.Millisecond, "added to each file operation")
	remembered := flag.Duration("remembered", 3*time.Second,
		"how long the kernel remembers names and attributes; 3 s is what NFS does at least (acregmin)")
	flag.Parse()
	if flag.NArg() != 2 {
		flag.Usage()
		os.Exit(2)
	}
	if err := serve(flag.Arg(0), flag.Arg(1), *delay, *remembered); err != nil {
		log.Fatal(err)
	}
}

func serve(original, mountPoint string, delay, remembered time.Duration) error {
	root, err := fs.NewLoopbackRoot(original)
	if err != nil {
		return err
	}
	options := &fs.Options{EntryTimeout: &remembered, AttrTimeout: &remembered, NegativeTimeout: &remembered}
	server, err := fuse.NewServer(
		&slow{RawFileSystem: fs.NewNodeFS(root, options), delay: delay},
		mountPoint,
		&fuse.MountOptions{
			FsName:      "slow-volume",
			Name:        "slow",
			DirectMount: true,
			Options:     []string{"ro", "default_permissions"},
			// One look-up a name, each with its delay, as a plain readdir of a network file system needs.
			DisableReadDirPlus: true,
			// EFS has none: asking costs no request there, so it costs nothing here.
			DisableXAttrs: true,
			// A read asks for more than 128 kB, as NFS does (rsize of EFS: 1 MiB).
			MaxReadAhead: 1 << 20,
			MaxWrite:     1 << 20,
		},
	)
	if err != nil {
		return err
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		<-stop
		if err := server.Unmount(); err != nil {
			log.Print(err)
		}
	}()
	go server.Serve()
	if err := server.WaitMount(); err != nil {
		return err
	}
	fmt.Println("mounted")
	server.Wait()
	return nil
}

// slow delays what a client of a network file system waits for. Closing is not: clients close behind the caller's back.
type slow struct {
	fuse.RawFileSystem
	delay time.Duration
}

func (s *slow) Lookup(cancel <-chan struct{}, header *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	time.Sleep(s.delay)
	return s.RawFileSystem.Lookup(cancel, header, name, out)
}

func (s *slow) GetAttr(cancel <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	time.Sleep(s.delay)
	return s.RawFileSystem.GetAttr(cancel, in, out)
}

// Statx of a loopback node follows links, also for lstat (Node's asks by statx, Go's does not). Without it the kernel asks
// by GetAttr, for everybody alike.
func (s *slow) Statx(_ <-chan struct{}, _ *fuse.StatxIn, _ *fuse.StatxOut) fuse.Status {
	return fuse.ENOSYS
}

func (s *slow) Readlink(cancel <-chan struct{}, header *fuse.InHeader) ([]byte, fuse.Status) {
	time.Sleep(s.delay)
	return s.RawFileSystem.Readlink(cancel, header)
}

func (s *slow) Access(cancel <-chan struct{}, in *fuse.AccessIn) fuse.Status {
	time.Sleep(s.delay)
	return s.RawFileSystem.Access(cancel, in)
}

func (s *slow) Open(cancel <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	time.Sleep(s.delay)
	return s.RawFileSystem.Open(cancel, in, out)
}

func (s *slow) Read(cancel <-chan struct{}, in *fuse.ReadIn, buffer []byte) (fuse.ReadResult, fuse.Status) {
	time.Sleep(s.delay)
	return s.RawFileSystem.Read(cancel, in, buffer)
}

func (s *slow) OpenDir(cancel <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	time.Sleep(s.delay)
	return s.RawFileSystem.OpenDir(cancel, in, out)
}

func (s *slow) ReadDir(cancel <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	time.Sleep(s.delay)
	return s.RawFileSystem.ReadDir(cancel, in, out)
}

// Flush would be sent at each close.
func (s *slow) Flush(_ <-chan struct{}, _ *fuse.FlushIn) fuse.Status {
	return fuse.ENOSYS
}
