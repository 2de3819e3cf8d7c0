"""Models with variables: writing and reading them, as `tf.train.Saver` does and as SavedModels."""
