// A small crictl for practice hosts: the verbs that kubeadm runs, and those a person needs to look at containers.
// It is built within the Kubernetes source tree, which vendors the CRI client.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1alpha2"
)

const usage = "usage: crictl [-r ENDPOINT] info|version|pods|ps|images|inspect|inspecti|pull|stop|rm|stopp|rmp|exec [ARGUMENT...]"

type client struct {
	ctx     context.Context
	runtime cri.RuntimeServiceClient
	images  cri.ImageServiceClient
}

// arguments of a verb: whether only IDs are wanted, whether stopped ones count too, a name to match, and the rest
type arguments struct {
	quiet, all bool
	name       string
	rest       []string
}

func parse(words []string) arguments {
	flags := flag.NewFlagSet("crictl", flag.ExitOnError)
	var a arguments
	for _, name := range []string{"q", "quiet"} {
		flags.BoolVar(&a.quiet, name, false, "print IDs only")
	}
	for _, name := range []string{"a", "all"} {
		flags.BoolVar(&a.all, name, false, "stopped ones too")
	}
	flags.StringVar(&a.name, "name", "", "only this name")
	flags.String("o", "json", "ignored: output is JSON where it is not a table")
	flags.Bool("force", false, "ignored")
	flags.Bool("f", false, "ignored")
	if err := flags.Parse(words); err != nil {
		fail(err)
	}
	a.rest = flags.Args()
	return a
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "crictl:", err)
	os.Exit(1)
}

func check(err error) {
	if err != nil {
		fail(err)
	}
}

func show(value interface{}) {
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", "  ")
	check(encoder.Encode(value))
}

func (c client) pods(a arguments) {
	reply, err := c.runtime.ListPodSandbox(c.ctx, &cri.ListPodSandboxRequest{})
	check(err)
	for _, pod := range reply.Items {
		if a.name != "" && pod.Metadata.Name != a.name {
			continue
		}
		if a.quiet {
			fmt.Println(pod.Id)
		} else {
			fmt.Printf("%.13s  %-18s  %s/%s  %d\n", pod.Id, pod.State, pod.Metadata.Namespace, pod.Metadata.Name, pod.Metadata.Attempt)
		}
	}
}

func (c client) containers(a arguments) {
	reply, err := c.runtime.ListContainers(c.ctx, &cri.ListContainersRequest{})
	check(err)
	for _, one := range reply.Containers {
		running := one.State == cri.ContainerState_CONTAINER_RUNNING
		if (!running && !a.all) || (a.name != "" && one.Metadata.Name != a.name) {
			continue
		}
		if a.quiet {
			fmt.Println(one.Id)
		} else {
			fmt.Printf("%.13s  %-18s  %s  %d  pod %.13s\n", one.Id, one.State, one.Metadata.Name, one.Metadata.Attempt, one.PodSandboxId)
		}
	}
}

func (c client) listImages(a arguments) {
	reply, err := c.images.ListImages(c.ctx, &cri.ListImagesRequest{})
	check(err)
	for _, image := range reply.Images {
		if a.quiet {
			fmt.Println(image.Id)
		} else {
			fmt.Println(strings.Join(image.RepoTags, " "), image.Size_)
		}
	}
}

func (c client) inspectImage(name string) {
	reply, err := c.images.ImageStatus(c.ctx, &cri.ImageStatusRequest{Image: &cri.ImageSpec{Image: name}})
	check(err)
	if reply.Image == nil {
		fail(fmt.Errorf("no such image %q", name))
	}
	show(reply)
}

func (c client) inspectContainer(id string) {
	reply, err := c.runtime.ContainerStatus(c.ctx, &cri.ContainerStatusRequest{ContainerId: id, Verbose: true})
	check(err)
	show(reply)
}

func (c client) execute(words []string) {
	if len(words) < 2 {
		fail(fmt.Errorf("exec needs a container's ID and a command"))
	}
	reply, err := c.runtime.ExecSync(c.ctx, &cri.ExecSyncRequest{ContainerId: words[0], Cmd: words[1:], Timeout: 30})
	check(err)
	os.Stdout.Write(reply.Stdout)
	os.Stderr.Write(reply.Stderr)
	os.Exit(int(reply.ExitCode))
}

// each runs a call for every ID and stops at the first that fails.
func each(ids []string, call func(id string) error) {
	for _, id := range ids {
		check(call(id))
	}
}

func (c client) change(verb string, ids []string) {
	switch verb {
	case "stop":
		each(ids, func(id string) error {
			_, err := c.runtime.StopContainer(c.ctx, &cri.StopContainerRequest{ContainerId: id, Timeout: 10})
			return err
		})
	case "rm":
		each(ids, func(id string) error {
			_, err := c.runtime.RemoveContainer(c.ctx, &cri.RemoveContainerRequest{ContainerId: id})
			return err
		})
	case "stopp":
		each(ids, func(id string) error {
			_, err := c.runtime.StopPodSandbox(c.ctx, &cri.StopPodSandboxRequest{PodSandboxId: id})
			return err
		})
	case "rmp":
		each(ids, func(id string) error {
			_, err := c.runtime.RemovePodSandbox(c.ctx, &cri.RemovePodSandboxRequest{PodSandboxId: id})
			return err
		})
	case "pull":
		each(ids, func(id string) error {
			_, err := c.images.PullImage(c.ctx, &cri.PullImageRequest{Image: &cri.ImageSpec{Image: id}})
			return err
		})
	default:
		fail(fmt.Errorf("unknown verb %q; %s", verb, usage))
	}
}

func (c client) run(verb string, a arguments) {
	switch verb {
	case "info":
		reply, err := c.runtime.Status(c.ctx, &cri.StatusRequest{Verbose: true})
		check(err)
		show(reply)
	case "version":
		reply, err := c.runtime.Version(c.ctx, &cri.VersionRequest{})
		check(err)
		fmt.Println(reply.RuntimeName, reply.RuntimeVersion, reply.RuntimeApiVersion)
	case "pods":
		c.pods(a)
	case "ps":
		c.containers(a)
	case "images":
		c.listImages(a)
	case "inspecti":
		each(a.rest, func(name string) error { c.inspectImage(name); return nil })
	case "inspect":
		each(a.rest, func(id string) error { c.inspectContainer(id); return nil })
	case "exec":
		c.execute(a.rest)
	default:
		c.change(verb, a.rest)
	}
}

func main() {
	endpoint := flag.String("r", "unix:///run/containerd/containerd.sock", "the container runtime's socket")
	flag.StringVar(endpoint, "runtime-endpoint", *endpoint, "the same")
	version := flag.Bool("version", false, "print the version")
	flag.Parse()
	if *version {
		fmt.Println("crictl version v1.20.2-lab")
		return
	}
	if flag.NArg() == 0 {
		fail(fmt.Errorf(usage))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	address := "unix://" + strings.TrimPrefix(*endpoint, "unix://")
	dial, stop := context.WithTimeout(ctx, 5*time.Second)
	defer stop()
	connection, err := grpc.DialContext(dial, address, grpc.WithInsecure(), grpc.WithBlock())
	if err != nil {
		fail(fmt.Errorf("no answer at %s: %v", address, err))
	}
	c := client{ctx, cri.NewRuntimeServiceClient(connection), cri.NewImageServiceClient(connection)}
	c.run(flag.Arg(0), parse(flag.Args()[1:]))
}
