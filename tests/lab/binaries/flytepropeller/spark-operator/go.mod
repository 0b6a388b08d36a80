// Nothing: the real module cannot be had from the module proxy, and only flyteplugins' spark plugin, which the lab leaves out, wants it.
module github.com/kubeflow/spark-operator

go 1.26.0
