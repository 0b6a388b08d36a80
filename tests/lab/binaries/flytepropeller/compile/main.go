// Copyright: (c) 2026, flyte.multicluster contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

// Flyte's own compiler for the flyteadmin double, which is Python: what is registered becomes what flytepropeller runs.
//
//	flytecompile compile   reads a CompiledWorkflowClosure (protobuf) whose templates are not compiled yet, writes it compiled
//	flytecompile build     reads a Launch (JSON), writes the FlyteWorkflow object (JSON)
//
// What is wrong with the input goes to stderr, with exit code 1.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/golang/protobuf/proto"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/admin"
	"github.com/flyteorg/flyte/flyteidl/gen/pb-go/flyteidl/core"
	"github.com/flyteorg/flyte/flytepropeller/pkg/apis/flyteworkflow/v1alpha1"
	"github.com/flyteorg/flyte/flytepropeller/pkg/compiler"
	"github.com/flyteorg/flyte/flytepropeller/pkg/compiler/transformers/k8s"
)

// Launch is what flyteadmin knows of an execution when it creates its FlyteWorkflow; messages are serialized.
type Launch struct {
	Closure         []byte
	Inputs          []byte
	ExecutionID     []byte
	SecurityContext []byte
	Namespace       string
	Finalizer       string
	Labels          map[string]string
	Annotations     map[string]string
	EventVersion    int
	RawOutputPrefix string
	MaxParallelism  uint32
	Environment     map[string]string
	TaskResources   v1alpha1.TaskResources
}

func compile(raw []byte) ([]byte, error) {
	closure := &core.CompiledWorkflowClosure{}
	if err := proto.Unmarshal(raw, closure); err != nil {
		return nil, err
	}
	subWorkflows := make([]*core.WorkflowTemplate, 0, len(closure.GetSubWorkflows()))
	for _, workflow := range closure.GetSubWorkflows() {
		subWorkflows = append(subWorkflows, workflow.GetTemplate())
	}
	tasks := make([]*core.CompiledTask, 0, len(closure.GetTasks()))
	for _, task := range closure.GetTasks() {
		compiled, err := compiler.CompileTask(task.GetTemplate())
		if err != nil {
			return nil, err
		}
		tasks = append(tasks, compiled)
	}
	compiled, err := compiler.CompileWorkflow(closure.GetPrimary().GetTemplate(), subWorkflows, tasks, nil)
	if err != nil {
		return nil, err
	}
	return proto.Marshal(compiled)
}

func build(raw []byte) ([]byte, error) {
	launch := Launch{}
	if err := json.Unmarshal(raw, &launch); err != nil {
		return nil, err
	}
	closure, inputs := &core.CompiledWorkflowClosure{}, &core.LiteralMap{}
	id, security := &core.WorkflowExecutionIdentifier{}, &core.SecurityContext{}
	for _, part := range []struct {
		content []byte
		message proto.Message
	}{{launch.Closure, closure}, {launch.Inputs, inputs}, {launch.ExecutionID, id}, {launch.SecurityContext, security}} {
		if err := proto.Unmarshal(part.content, part.message); err != nil {
			return nil, err
		}
	}
	workflow, err := k8s.BuildFlyteWorkflow(closure, inputs, id, launch.Namespace)
	if err != nil {
		return nil, err
	}
	prepare(workflow, launch, id, security)
	return json.Marshal(workflow)
}

// prepare adds what flyteadmin adds to what the compiler made.
func prepare(workflow *v1alpha1.FlyteWorkflow, launch Launch, id *core.WorkflowExecutionIdentifier, security *core.SecurityContext) {
	workflow.Kind = "FlyteWorkflow" // which flyteadmin's client sets when it sends the object: the compiler's has the resource's name there
	accepted := metav1.NewTime(time.Now())
	workflow.AcceptedAt = &accepted
	workflow.ExecutionID = v1alpha1.WorkflowExecutionIdentifier{WorkflowExecutionIdentifier: id}
	workflow.Finalizers = []string{launch.Finalizer}
	for key, value := range launch.Labels {
		workflow.Labels[key] = value
	}
	workflow.Annotations = launch.Annotations
	workflow.WorkflowMeta = &v1alpha1.WorkflowMeta{EventVersion: v1alpha1.EventVersion(launch.EventVersion)}
	proto.Merge(&workflow.SecurityContext, security)
	workflow.ServiceAccountName = security.GetRunAs().GetK8SServiceAccount()
	if launch.RawOutputPrefix != "" {
		config := &admin.RawOutputDataConfig{OutputLocationPrefix: launch.RawOutputPrefix}
		workflow.RawOutputDataConfig = v1alpha1.RawOutputDataConfig{RawOutputDataConfig: config}
	}
	workflow.ExecutionConfig = v1alpha1.ExecutionConfig{
		TaskPluginImpls:      map[string]v1alpha1.TaskPluginOverride{},
		MaxParallelism:       launch.MaxParallelism,
		TaskResources:        launch.TaskResources,
		EnvironmentVariables: launch.Environment,
	}
}

func main() {
	commands := map[string]func([]byte) ([]byte, error){"compile": compile, "build": build}
	if len(os.Args) != 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: flytecompile compile|build < INPUT > OUTPUT")
		os.Exit(2)
	}
	raw, err := io.ReadAll(os.Stdin)
	if err == nil {
		raw, err = commands[os.Args[1]](raw)
	}
	if err == nil {
		_, err = os.Stdout.Write(raw)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
