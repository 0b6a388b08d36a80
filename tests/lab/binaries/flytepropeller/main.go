// Copyright: (c) 2026, flyte.multicluster contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

// The real flytepropeller v1.16.8 with the two plugins that the lab's tasks need: containers in pods, and "echo".
package main

import (
	_ "github.com/flyteorg/flyte/flyteplugins/go/tasks/plugins/k8s/pod"
	_ "github.com/flyteorg/flyte/flyteplugins/go/tasks/plugins/testing"
	"github.com/flyteorg/flyte/flytepropeller/cmd/controller/cmd"
)

func main() {
	cmd.Execute()
}
