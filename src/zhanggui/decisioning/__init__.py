"""decisioning"""
