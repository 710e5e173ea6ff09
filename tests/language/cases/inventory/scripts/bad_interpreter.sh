#!/nowhere
