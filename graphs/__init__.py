"""What a GraphDef says of itself, by protobuf alone. A ground room: no TensorFlow, no numpy, no Redis, no Celery."""
